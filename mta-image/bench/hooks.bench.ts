/**
 * What hooks cost: how much of the processor time of the engine's main thread each of the ten hooks adds to a message of 4 KiB on its whole
 * way (connection, spool on disk, queue, delivery over SMTP) when its script only accepts. Everything warm: the kinds of sessions
 * share one process, and each short run of one has a run without a hook right beside it, by turns before and behind it. All
 * percentages are paired medians (paired.ts), with the 95 % interval of the median and the middle half of the pairs. The hooks
 * around deliveries belong to a whole engine: each has engines of its own, several since no two are compiled alike, and each of
 * those has another without a hook beside it, which gets as much mail: one that gets more is faster. `auth` is paired with
 * sessions that log in over TLS, the password checked in both. What says `again` has no hook either: it shows the error of all
 * others. What is over the limit is named, and the exit code is then 1.
 *
 *   node mta-image/bench/hooks.bench.ts [rounds] [messages a run] [messages a connection] [kinds, comma between]
 */
import { loadavg } from "node:os";

import { HookEngine, type Kind, type Texts } from "./hook-engine.ts";
import { paired } from "./paired.ts";

const [rounds = 150, messages = 300, perSession = 10] = process.argv.slice(2, 5).map(Number);
const wanted = process.argv[5]?.split(",");
const LIMIT = 10;
/** V8 goes on compiling for some ten thousand messages of a kind. */
const WARM_MESSAGES = 12_000;
/** Around deliveries. */
const ENGINES = 5;
const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;

const sessions: Readonly<Record<string, Kind>> = {
  "no-hook-again": { scripts: {} },
  connect: { scripts: { connect: "Accept();" } },
  proxy: { scripts: { proxy: "Pass();" } },
  helo: { scripts: { helo: "Accept();" } },
  mailfrom: { scripts: { mailfrom: "Accept();" } },
  rcptto: { scripts: { rcptto: "Accept();" } },
  // To accept is to queue: Accept() alone drops the message.
  eod: { scripts: { eod: queueing } },
  "eod-without-action": { scripts: { eod: "Done();" } },
  disconnect: { scripts: { disconnect: "Pass();" } },
};
/** The password is checked behind the script, as without it. */
const logins: Readonly<Record<string, Kind>> = {
  "no-hook-with-login-again": { scripts: {}, logsIn: true },
  auth: { scripts: { auth: "Done();" }, logsIn: true },
};
const deliveries: Readonly<Record<string, Texts>> = {
  "no-hook-in-an-engine-again": {},
  predelivery: { predelivery: "Try();" },
  postdelivery: { postdelivery: "Default();" },
};
const BASE = "no-hook";

/** Microseconds of a message. */
type Run = () => Promise<number>;
interface Subject {
  readonly name: string;
  readonly with: Run;
  readonly without: Run;
}

const engines: HookEngine[] = [];
const costs = new Map<string, { with: number; without: number }[]>();
try {
  const subjects = [
    ...(await ofSessions(sessions)),
    ...(await ofSessions(logins)),
    ...(await ofDeliveries()),
  ];
  const warmUp = Math.ceil(WARM_MESSAGES / messages);
  for (let round = -warmUp; round < rounds; round++) {
    if (round === 0) costs.clear();
    for (const subject of subjects) await onePair(subject, round % 2 === 0);
  }
} finally {
  for (const engine of engines) await engine.stop();
}
report();

/** What is asked for, and beside it what has no hook; nothing where nothing is. */
function chosen<T>(kinds: Readonly<Record<string, T>>): [string, T][] {
  const isPlain = (name: string): boolean => name.startsWith(BASE);
  const kept = Object.entries(kinds).filter(([name]) => isPlain(name) || (wanted?.includes(name) ?? true));
  return kept.every(([name]) => isPlain(name)) ? [] : kept;
}

async function ofSessions(kinds: Readonly<Record<string, Kind>>): Promise<Subject[]> {
  const asked = chosen(kinds);
  const [first] = asked;
  if (first === undefined) return [];
  const base: Kind = { ...first[1], scripts: {} };
  const engine = await started(Object.fromEntries([[BASE, base], ...asked]));
  const run =
    (kind: string): Run =>
    () =>
      engine.microseconds({ kind, messages, perSession });
  return asked.map(([name]) => ({ name, with: run(name), without: run(BASE) }));
}

async function ofDeliveries(): Promise<Subject[]> {
  const asked = chosen(deliveries);
  if (asked.length === 0) return [];
  const subjects: Subject[] = [];
  const runOf = async (scripts: Texts): Promise<Run> => {
    const engine = await started({ all: { scripts: {} } }, scripts);
    return () => engine.microseconds({ kind: "all", messages, perSession });
  };
  for (let count = 0; count < ENGINES; count++)
    for (const [name, scripts] of asked)
      subjects.push({ name, with: await runOf(scripts), without: await runOf({}) });
  return subjects;
}

async function started(kinds: Readonly<Record<string, Kind>>, scripts?: Texts): Promise<HookEngine> {
  const engine = await HookEngine.start(kinds, scripts);
  engines.push(engine);
  return engine;
}

async function onePair(subject: Subject, isFirst: boolean): Promise<void> {
  const early = isFirst ? await subject.with() : null;
  const without = await subject.without();
  const pair = { with: early ?? (await subject.with()), without };
  costs.set(subject.name, [...(costs.get(subject.name) ?? []), pair]);
}

function report(): void {
  const over: string[] = [];
  for (const [name, measured] of costs) {
    const { pairs, median, between, half, ...micros } = paired(measured);
    if (!name.startsWith(BASE) && median > LIMIT) over.push(name);
    say(
      `${name}: ${percent(median)} % more (95 %: ${range(between)}; half of ${pairs} pairs: ${range(half)}), ${micros.with.toFixed(0)} µs a message, ${micros.without.toFixed(0)} without`,
    );
  }
  const load = loadavg()[0]?.toFixed(1);
  say(
    `paired medians of the main thread's processor time; ${rounds} rounds of ${messages} messages, ${perSession} a connection, load average ${load}`,
  );
  say(over.length === 0 ? `none adds more than ${LIMIT} %` : `more than ${LIMIT} %: ${over.join(", ")}`);
  process.exitCode = over.length === 0 ? 0 : 1;
}

function range([from, to]: readonly [number, number]): string {
  return `${percent(from)} to ${percent(to)}`;
}

function percent(value: number): string {
  return value.toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
