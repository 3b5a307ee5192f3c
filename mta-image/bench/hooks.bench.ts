/**
 * What hooks cost: how much of the engine's processor time each of the ten hooks adds to a message of 4 KiB on its whole way (connection, spool
 * on disk, queue, delivery over SMTP) when its script only accepts. In each round every kind has one short run, in an order that moves
 * on, and is held against the one without a hook of the same round: what runs more often is warmer, and what else the
 * machine does comes and goes. Medians of many rounds, with spread. Kinds of sessions share one process; the hooks
 * around deliveries have one each, and are held against one of its own without a hook. `auth` is held against sessions that log in over TLS, the
 * password checked in both. What says `again` has no hook either: it shows the error of all others. What is over the limit is named, and
 * the exit code is then 1.
 *
 *   node mta-image/bench/hooks.bench.ts [rounds] [messages a run] [messages a connection] [kinds, comma between]
 */
import { loadavg } from "node:os";

import { HookEngine, type Kind, type Texts } from "./hook-engine.ts";

const [rounds = 60, messages = 500, perSession = 10] = process.argv.slice(2, 5).map(Number);
const wanted = process.argv[5]?.split(",");
const LIMIT = 10;
/** V8 goes on compiling for some ten thousand messages of a kind. */
const WARM_ROUNDS = Math.ceil(12_000 / messages);
const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;

const sessions: Readonly<Record<string, Kind>> = {
  connect: { scripts: { connect: "Accept();" } },
  proxy: { scripts: { proxy: "Pass();" } },
  helo: { scripts: { helo: "Accept();" } },
  mailfrom: { scripts: { mailfrom: "Accept();" } },
  rcptto: { scripts: { rcptto: "Accept();" } },
  // To accept is to queue: Accept() alone drops the message.
  eod: { scripts: { eod: queueing } },
  "eod-without-action": { scripts: { eod: "Done();" } },
  disconnect: { scripts: { disconnect: "Pass();" } },
  // The password is checked behind it, as without it.
  auth: { scripts: { auth: "Done();" }, logsIn: true },
};
const deliveries: Readonly<Record<string, Texts>> = {
  predelivery: { predelivery: "Try();" },
  postdelivery: { postdelivery: "Default();" },
};
const plain: Readonly<Record<string, Kind>> = {
  "no-hook": { scripts: {} },
  "no-hook-again": { scripts: {} },
  "no-hook-with-login": { scripts: {}, logsIn: true },
  "no-hook-with-login-again": { scripts: {}, logsIn: true },
};
const ALONE = "no-hook-in-an-engine";

interface Subject {
  readonly name: string;
  /** What it is held against. */
  readonly base: string;
  /** Microseconds of a message. */
  readonly cost: () => Promise<number>;
}

const engines: HookEngine[] = [];
const costs = new Map<string, { micros: number[]; ratios: number[] }>();
try {
  const subjects = [...(await ofSessions()), ...(await ofDeliveries())];
  for (let round = 0; round < WARM_ROUNDS + rounds; round++) {
    if (round === WARM_ROUNDS) costs.clear();
    const first = round % subjects.length;
    await oneRound([...subjects.slice(first), ...subjects.slice(0, first)]);
  }
} finally {
  for (const engine of engines) await engine.stop();
}
report();

function chosen<T>(kinds: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(kinds).filter(([name]) => wanted?.includes(name) ?? true);
}

async function ofSessions(): Promise<Subject[]> {
  const asked = chosen(sessions);
  const logins = new Set(asked.map(([, { logsIn }]) => logsIn === true));
  const bases = Object.entries(plain).filter(([, { logsIn }]) => logins.has(logsIn === true));
  if (asked.length === 0) return [];
  const engine = await started(Object.fromEntries([...bases, ...asked]));
  return [...bases, ...asked].map(([name, { logsIn }]) => ({
    name,
    base: logsIn === true ? "no-hook-with-login" : "no-hook",
    cost: () => engine.microseconds({ kind: name, messages, perSession }),
  }));
}

/** Each in an engine of its own. */
async function ofDeliveries(): Promise<Subject[]> {
  const asked = chosen(deliveries);
  const all: [string, Texts][] = asked.length === 0 ? [] : [[ALONE, {}], [`${ALONE}-again`, {}], ...asked];
  const subjects: Subject[] = [];
  for (const [name, scripts] of all) {
    const engine = await started({ all: { scripts: {} } }, scripts);
    const cost = () => engine.microseconds({ kind: "all", messages, perSession });
    subjects.push({ name, base: ALONE, cost });
  }
  return subjects;
}

async function started(kinds: Readonly<Record<string, Kind>>, scripts?: Texts): Promise<HookEngine> {
  const engine = await HookEngine.start(kinds, scripts);
  engines.push(engine);
  return engine;
}

async function oneRound(subjects: readonly Subject[]): Promise<void> {
  const found = new Map<string, number>();
  for (const { name, cost } of subjects) found.set(name, await cost());
  for (const { name, base } of subjects) {
    const [micros, without] = [found.get(name) ?? Number.NaN, found.get(base) ?? Number.NaN];
    const kept = costs.get(name) ?? { micros: [], ratios: [] };
    kept.micros.push(micros);
    kept.ratios.push(micros / without);
    costs.set(name, kept);
  }
}

function report(): void {
  const over: string[] = [];
  for (const [name, { micros, ratios }] of costs) {
    const added = ratios.map((ratio) => (ratio - 1) * 100);
    if (!name.startsWith("no-hook") && median(added) > LIMIT) over.push(name);
    const spread = `half of the rounds ${part(added, 0.25).toFixed(1)} to ${part(added, 0.75).toFixed(1)}`;
    say(
      `${name}: ${median(micros).toFixed(0)} µs of processor time a message, ${median(added).toFixed(1)} % more than without (${spread})`,
    );
  }
  say(
    `${rounds} rounds of ${messages} messages, ${perSession} a connection, load average ${loadavg()[0]?.toFixed(1)}`,
  );
  say(over.length === 0 ? `none adds more than ${LIMIT} %` : `more than ${LIMIT} %: ${over.join(", ")}`);
  process.exitCode = over.length === 0 ? 0 : 1;
}

function median(values: readonly number[]): number {
  return part(values, 0.5);
}

function part(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share + 0.5)] ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
