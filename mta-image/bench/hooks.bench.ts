/**
 * What hooks cost: one call of a script that only accepts, and the CPU of a message of 4 KiB through a session without
 * scripts, with scripts in all phases that only accept, and with one that queues the message at its end.
 *
 *   node mta-image/bench/hooks.bench.ts [messages]
 */
import { connect } from "node:net";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ConnectionHooks } from "#mta/hooks/connection-hooks.ts";
import { makeHookFigures } from "#mta/hooks/figures.ts";
import { HookRunner } from "#mta/hooks/runner.ts";
import type { ServerScripts } from "#mta/hooks/scripts.ts";

import { hooksOf } from "../testing/hook-scripts.ts";
import { Receiver } from "../testing/receiver.ts";

const CALLS = 200_000;
const messages = Number(process.argv[2] ?? 200);
const ROUNDS = 5;
const SESSIONS = 15;
const WARM_UP = 15;
const parameters = {
  sizeBytes: null,
  eightBit: false,
  smtpUtf8: false,
  ret: null,
  envid: null,
  requireTls: false,
  hold: null,
  deliverBy: null,
  priority: 0,
};

function microsecondsPerCall(script: string): number {
  const runner = new HookRunner({
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    figures: makeHookFigures(),
    hostname: () => "mx.example.org",
    hasTransport: () => true,
  });
  const facts = {
    id: "x",
    serverId: "in",
    remoteIp: "192.0.2.1",
    remotePort: 1,
    localIp: "192.0.2.2",
    localPort: 25,
    proxyIp: null,
  };
  const hooks = new ConnectionHooks(hooksOf({ mailfrom: script }), runner, facts);
  let start = process.cpuUsage();
  for (let call = -CALLS / 4; call < CALLS; call++) {
    if (call === 0) start = process.cpuUsage();
    void hooks.mailFrom("news@example.org", parameters);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLS;
}

const body = `Subject: x\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(52)}`;
const group = "MAIL FROM:<news@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n";

/** Microseconds of CPU, client included, for a message. */
async function session(hooks: ServerScripts | null): Promise<number> {
  const receiver = await Receiver.start({ settings: { hooks } });
  const socket = connect({ port: receiver.port, host: "127.0.0.1", noDelay: true });
  const before = process.cpuUsage();
  await new Promise<void>((resolve) => {
    let sent = 0;
    socket.on("data", (data: Buffer) => {
      const text = data.toString("latin1");
      if (text.startsWith("220 ")) socket.write("EHLO client.example.org\r\n");
      else if (/^354 /m.test(text)) socket.write(`${body}.\r\n`);
      else if (/^250 2\.0\.0 |^250[ -].*LIMITS/m.test(text)) {
        if (sent++ === messages) resolve();
        else socket.write(group);
      }
    });
  });
  const { user, system } = process.cpuUsage(before);
  socket.destroy();
  await receiver.close();
  return (user + system) / messages;
}

const accepting = {
  connect: "Accept();",
  helo: "Accept();",
  mailfrom: "Accept();",
  rcptto: "Accept();",
  disconnect: "Pass();",
};
const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
for (const script of ["Accept();", `if ($arguments["address"]["domain"] == "example.com") Reject();`])
  process.stdout.write(
    `${script} ${median(Array.from({ length: ROUNDS }, () => microsecondsPerCall(script))).toFixed(2)} µs CPU a call\n`,
  );

const kinds = {
  none: null,
  accepting: hooksOf(accepting),
  queueing: hooksOf({ ...accepting, eod: queueing }),
};
const costs = new Map<string, number[]>();
// The first ones are for the compiler.
for (let round = -WARM_UP; round < SESSIONS; round++) {
  for (const [name, hooks] of Object.entries(kinds)) {
    const cost = await session(hooks);
    if (round >= 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
  }
}
for (const [name, values] of costs)
  process.stdout.write(
    `${name}: ${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}) µs CPU a message\n`,
  );
process.exit(0);
