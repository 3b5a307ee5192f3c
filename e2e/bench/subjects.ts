/**
 * The mail servers that are measured, each started fresh in a temp folder on loopback and sending all its mail to one
 * smtp-sink. `start` rejects with what kept a server from starting.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { freePort } from "../peers/free-port.ts";
import { startPostfix } from "../peers/postfix.ts";

export interface Running {
  readonly port: number;
  /** The one process that does the work; null where it is more than one. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  start(sinkPort: number): Promise<Running>;
}

/** smtp-source talks to the sink itself: what is left when no server is between. */
export const ceiling: Subject = {
  name: "smtp-source into smtp-sink",
  start: async (sinkPort) => ({ port: sinkPort, pid: null, stop: async () => {} }),
};

export const postfix: Subject = {
  name: "Postfix",
  async start(sinkPort) {
    const port = await freePort();
    const server = await startPostfix({
      address: "127.0.0.1",
      port,
      domains: ["nowhere.example.test"],
      relayHost: `[127.0.0.1]:${sinkPort}`,
    });
    return { port, pid: null, stop: () => server.stop() };
  },
};

/** One process that only takes mail, makes it durable and hands it on. */
export const bareLoop: Subject = {
  name: "bare loop in one Node process",
  async start(sinkPort) {
    const folder = await mkdtemp(join(tmpdir(), "bench-bare-"));
    const port = await freePort();
    const program = new URL("bare-loop.ts", import.meta.url).pathname;
    const args = [program, String(port), String(sinkPort), join(folder, "mail")];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await untilListening(port);
    return {
      port,
      pid: child.pid ?? null,
      stop: async () => {
        child.kill("SIGKILL");
        await gone;
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

/** One process with the defaults of its configuration, started from this checkout as a user would. */
export const mailfleet = mailfleetWith("Mailfleet, one process", null);

/** The same on a spool that is there already and stays; null: on a fresh one. */
export function mailfleetWith(name: string, spool: string | null): Subject {
  return { name, start: (sinkPort) => startMailfleet(sinkPort, spool) };
}

async function startMailfleet(sinkPort: number, spool: string | null): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "bench-engine-"));
  const port = await freePort();
  const monitor = await freePort();
  const startup = {
    servers: [{ id: "smtp", listeners: [{ port, address: "127.0.0.1" }] }],
    spool: { path: spool ?? join(folder, "spool") },
    monitor: { listener: { port: monitor, address: "127.0.0.1" } },
    environment: { loglevel: "warn" },
  };
  const app = {
    servers: [{ id: "smtp", transport: "default" }],
    transportgroups: [
      { id: "default", connection: { server: `127.0.0.1:${sinkPort}` }, transports: [{ id: "default" }] },
    ],
  };
  await writeFile(join(folder, "smtpd.yaml"), JSON.stringify(startup));
  await writeFile(join(folder, "smtpd-app.yaml"), JSON.stringify(app));
  const program = new URL("../../mta-image/bin/smtpd", import.meta.url).pathname;
  const child = spawn(program, ["-c", join(folder, "smtpd.yaml")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilReady(`http://127.0.0.1:${monitor}/ready`);
  return {
    port,
    pid: child.pid ?? null,
    stop: async () => {
      child.kill("SIGTERM");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port }, () => resolve(true));
      socket.once("error", () => resolve(false)).once("connect", () => socket.destroy());
    });
    if (isThere) return;
    await wait(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok === true) return;
    await wait(50);
  }
  throw new Error(`nothing is ready at ${url}`);
}
