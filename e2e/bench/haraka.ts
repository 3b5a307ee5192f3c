/**
 * Haraka as it comes, in one process, with one plugin of ours: it lets everybody relay and sends all mail to one port.
 * Its queue is files that it syncs before 250. `start` rejects when it is not there (`make setup`) or does not listen.
 */
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../peers/free-port.ts";
import { peerFolder } from "../../tools/setup/peers.ts";
import { type Running, type Subject, untilListening } from "./subjects.ts";

export const haraka: Subject = { name: "Haraka, one process", start };

async function start(sinkPort: number): Promise<Running> {
  const home = `${peerFolder("haraka")}/node_modules/Haraka`;
  const folder = await mkdtemp(join(tmpdir(), "bench-haraka-"));
  const port = await freePort();
  await configure(folder, home, port, sinkPort);
  const child = spawn(process.execPath, [`${home}/bin/haraka`, "-c", folder], {
    stdio: ["ignore", "ignore", "inherit"],
    cwd: folder,
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilListening(port);
  const stop = async () => {
    child.kill("SIGKILL");
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  return { port, pid: child.pid ?? null, stop };
}

async function configure(folder: string, home: string, port: number, sinkPort: number): Promise<void> {
  for (const part of ["config", "plugins", "queue"]) await mkdir(join(folder, part));
  const write = (path: string, text: string): Promise<void> => writeFile(join(folder, path), text);
  await copyFile(`${home}/config/connection.ini`, join(folder, "config/connection.ini"));
  await write("config/smtp.ini", `listen=127.0.0.1:${port}\nnodes=0\n`);
  await write("config/me", "haraka.example.test\n");
  await write("config/loglevel", "ERROR\n");
  await write("config/outbound.ini", "local_mx_ok=true\n");
  await write("config/plugins", "onward\n");
  await write("plugins/onward.js", plugin(sinkPort));
}

/** Nobody waits for names of addresses here: the host has none. */
function plugin(sinkPort: number): string {
  return `
exports.hook_lookup_rdns = (next) => next(OK, 'localhost');
exports.hook_connect = (next, connection) => { connection.relaying = true; next(); };
exports.hook_rcpt = (next) => next(OK);
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${sinkPort} });
`;
}
