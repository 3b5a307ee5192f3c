/**
 * KumoMTA, where somebody has a `kumod`: no registry that the set-up uses carries it, so `KUMOD=/path/to/kumod make
 * bench` measures it beside the others. It keeps mail in RocksDB, its fast spool, writes no logs and passes all on to
 * one port over as many connections as the clients have. Without a sync before 250 mail is lost with the machine, which
 * is how it comes; `isSynced` forces it for each message (docs.kumomta.com, message:set_force_sync). `start` rejects
 * when it does not listen.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../peers/free-port.ts";
import { type Running, type Subject, untilListening } from "./subjects.ts";

const program = process.env["KUMOD"];

/** With the share of messages that each gets; none where nobody says where the program is. */
export const kumos: readonly (readonly [Subject, share: number])[] =
  program === undefined
    ? []
    : [
        [{ name: "KumoMTA, not synced", start: (port) => start(program, port, false) }, 1 / 2],
        [{ name: "KumoMTA, synced", start: (port) => start(program, port, true) }, 1 / 4],
      ];

async function start(kumod: string, sinkPort: number, isSynced: boolean): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "bench-kumo-"));
  const port = await freePort();
  await writeFile(join(folder, "init.lua"), policy(folder, port, sinkPort, isSynced));
  const child = spawn(kumod, ["--policy", join(folder, "init.lua"), "--user", "root"], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, KUMOD_LOG: "kumod=error" },
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilListening(port);
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  return { port, pid: child.pid ?? null, stop };
}

function policy(folder: string, port: number, sinkPort: number, isSynced: boolean): string {
  return `
local kumo = require 'kumo'
kumo.on('init', function()
  for _, name in ipairs { 'data', 'meta' } do
    kumo.define_spool { name = name, path = '${folder}/' .. name, kind = 'RocksDB' }
  end
  kumo.start_esmtp_listener { listen = '127.0.0.1:${port}', hostname = 'kumo.example.test', relay_hosts = { '127.0.0.0/8' } }
end)
kumo.on('smtp_server_message_received', function(msg)
  ${isSynced ? "msg:set_force_sync(true)" : ""}
end)
kumo.on('get_queue_config', function()
  return kumo.make_queue_config { protocol = { smtp = { mx_list = { '[127.0.0.1]' } } } }
end)
kumo.on('get_egress_path_config', function()
  return kumo.make_egress_path {
    connection_limit = 40, smtp_port = ${sinkPort}, enable_tls = 'Disabled', prohibited_hosts = {},
  }
end)
`;
}
