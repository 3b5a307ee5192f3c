/**
 * What hooks cost: one call of a script that only accepts, and what each of the ten hooks adds by itself, when its script
 * only accepts, to the processor time of a message of 4 KiB through a session and a courier that is done at once. Real
 * delivery costs as much again, so shares of the whole path are smaller. Kinds take turns, so that what else the machine
 * does meets all of them; `auth` is held against sessions that log in over TLS; `eod` queues the message, which is its way to accept it.
 * The spool is in memory and only grows: with many messages a session it is most of what is measured.
 *
 *   node mta-image/bench/hooks.bench.ts [messages a session] [sessions of each kind]
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { HookedCourier } from "#mta/delivery/hooked-courier.ts";
import { ConnectionHooks } from "#mta/hooks/connection-hooks.ts";
import { makeHookFigures } from "#mta/hooks/figures.ts";
import { QueueHooks } from "#mta/hooks/queue-hooks.ts";
import { HookRunner } from "#mta/hooks/runner.ts";
import type { ServerScripts } from "#mta/hooks/scripts.ts";
import type { Courier, Outcome } from "#mta/queue/courier.ts";
import type { Credentials } from "#mta/session/credentials.ts";

import { hooksOf, queueScriptsOf } from "../testing/hook-scripts.ts";
import { Receiver } from "../testing/receiver.ts";

const CALLS = 200_000;
const messages = Number(process.argv[2] ?? 200);
const ROUNDS = 5;
const sessions = Number(process.argv[3] ?? 15);
const WARM_UP = 5;
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

const figures = makeHookFigures();
const runnerOptions = {
  clock: systemClock,
  random: Math.random,
  log: silentLog,
  figures,
  hostname: () => "mx.example.org",
  hasTransport: () => true,
};

function microsecondsPerCall(script: string): number {
  const runner = new HookRunner(runnerOptions);
  const facts = {
    id: "x",
    serverId: "in",
    remoteIp: "192.0.2.1",
    remotePort: 1,
    remoteUid: null,
    localIp: "192.0.2.2",
    localPort: 25,
    proxyIp: null,
    proxyTlv: null,
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
const login = `AUTH PLAIN ${Buffer.from("\0ann\0secret").toString("base64")}\r\n`;
const read = (name: string): string =>
  readFileSync(new URL(`../src/session/testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const credentials: Credentials = {
  verify: async (_, password) => (password === "secret" ? "right" : "wrong"),
};

interface Kind {
  readonly hooks: ServerScripts | null;
  /** Over TLS, with a login. */
  readonly logsIn?: boolean;
  /** Asked around each attempt of a courier that is done at once. */
  readonly queueHooks?: QueueHooks;
}

const delivered: Outcome = { kind: "delivered", reply: "250 Ok", status: "2.0.0", remoteMta: "mx" };
const inner: Courier = {
  attemptsPerDestination: 20,
  deliver: async ({ recipients }) => recipients.map(() => delivered),
  close: async () => {},
};

type Said = "greeting" | "greeted" | "known" | "go" | "taken" | "refused";
/** The first that is found counts; other replies are waited past. */
const signs: readonly (readonly [Said, RegExp])[] = [
  ["refused", /^[45]\d\d[ -]/m],
  ["greeting", /^220 /],
  ["go", /^354 /m],
  ["known", /^235 /m],
  ["greeted", /^250[ -].*LIMITS/m],
  ["taken", /^250 2\.0\.0 /m],
];

/** Microseconds of CPU, client included, for a message that is taken and, where a courier is asked, tried. */
async function session({ hooks, logsIn = false, queueHooks }: Kind): Promise<number> {
  const settings = {
    hooks,
    implicitTls: logsIn,
    credentials: logsIn ? credentials : null,
    mustLogIn: logsIn,
  };
  const receiver = await Receiver.start({ settings, ...(logsIn ? { tls } : {}) });
  const courier = queueHooks === undefined ? inner : around(queueHooks, receiver);
  const at = { port: receiver.port, host: "127.0.0.1" };
  const socket = logsIn
    ? connectTls({ ...at, rejectUnauthorized: false })
    : connect({ ...at, noDelay: true });
  const before = process.cpuUsage();
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    const goOn = (): void => {
      if (sent++ === messages) resolve();
      else socket.write(group);
    };
    const answers: Readonly<Record<Said, () => unknown>> = {
      greeting: () => socket.write("EHLO client.example.org\r\n"),
      greeted: () => (logsIn ? socket.write(login) : goOn()),
      known: goOn,
      go: () => socket.write(`${body}.\r\n`),
      taken: () => void tryAll(receiver, courier).then(goOn, reject),
      refused: () => reject(new Error("a command was refused")),
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the session ended early")));
    socket.on("data", (data: Buffer) => {
      const text = data.toString("latin1");
      const said = signs.find(([, sign]) => sign.test(text))?.[0];
      if (said !== undefined) answers[said]();
    });
  });
  const { user, system } = process.cpuUsage(before);
  socket.destroy();
  await receiver.close();
  return (user + system) / messages;
}

async function tryAll({ accepted }: Receiver, courier: Courier): Promise<void> {
  for (const message of accepted.splice(0)) {
    const { transportId } = message.envelope;
    await courier.deliver({
      destination: { key: "", transportId, domain: "example.net", jobId: "", tenantId: "" },
      message,
      recipients: [0],
      retries: [0],
      metadata: [null],
    });
  }
}

function around(hooks: QueueHooks, receiver: Receiver): Courier {
  return new HookedCourier({
    inner,
    hooks,
    clock: systemClock,
    read: (id) => receiver.spool.read(id),
    sourceAddress: () => null,
    addressId: () => null,
    retriesOf: () => 30,
    plugins: { order: () => ({ id: "", args: [], timeoutMs: 0 }), value: () => null },
  });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
for (const script of ["Accept();", `if ($arguments["address"]["domain"] == "example.com") Reject();`])
  process.stdout.write(
    `${script} ${median(Array.from({ length: ROUNDS }, () => microsecondsPerCall(script))).toFixed(2)} µs CPU a call\n`,
  );

const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;
const askedBy = (scripts: Parameters<typeof queueScriptsOf>[0]): QueueHooks => {
  const compiled = queueScriptsOf(scripts);
  return new QueueHooks(() => compiled, new HookRunner(runnerOptions));
};
const kinds: Record<string, Kind> = {
  "no hook": { hooks: null },
  connect: { hooks: hooksOf({ connect: "Accept();" }) },
  proxy: { hooks: hooksOf({ proxy: "Pass();" }) },
  helo: { hooks: hooksOf({ helo: "Accept();" }) },
  mailfrom: { hooks: hooksOf({ mailfrom: "Accept();" }) },
  rcptto: { hooks: hooksOf({ rcptto: "Accept();" }) },
  eod: { hooks: hooksOf({ eod: queueing }) },
  disconnect: { hooks: hooksOf({ disconnect: "Pass();" }) },
  predelivery: { hooks: null, queueHooks: askedBy({ predelivery: "Try();" }) },
  postdelivery: { hooks: null, queueHooks: askedBy({ postdelivery: "" }) },
  "no hook, with a login": { hooks: null, logsIn: true },
  auth: { hooks: hooksOf({ auth: "Accept();" }), logsIn: true },
};
const costs = new Map<string, number[]>();
// The first ones are for the compiler.
for (let round = -WARM_UP; round < sessions; round++) {
  for (const [name, kind] of Object.entries(kinds)) {
    const cost = await session(kind);
    if (round >= 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
  }
}
for (const [name, values] of costs) {
  const bare = costs.get(kinds[name]?.logsIn === true ? "no hook, with a login" : "no hook") ?? [];
  // Held against its neighbour in time, round by round.
  const added = median(values.map((value, round) => value / (bare[round] ?? value) - 1)) * 100;
  process.stdout.write(
    `${name}: ${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}) µs CPU a message, ${added.toFixed(1)} % more than without\n`,
  );
}
process.exit(0);
