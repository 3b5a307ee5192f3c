/**
 * What hooks cost: how much of the engine's processor time each of the ten hooks adds to a message of 4 KiB on its whole way (connection, spool
 * on disk, queue, delivery over SMTP) when its script only accepts. Each kind runs between two runs without a hook, all in one warm process,
 * and is held against their mean; several rounds, whose ratios give median and spread. `auth` is held against sessions that
 * log in over TLS, the password checked in both. What is over the limit is named, and the exit code is then 1.
 *
 *   node mta-image/bench/hooks.bench.ts [rounds] [messages a run] [messages a connection] [kinds, comma between]
 */
import { loadavg } from "node:os";

import { HookEngine, type Kind, type Texts } from "./hook-engine.ts";

const [rounds = 9, messages = 4000, perSession = 10] = process.argv.slice(2, 5).map(Number);
const wanted = process.argv[5]?.split(",");
const LIMIT = 10;
/** V8 goes on compiling for some ten thousand messages of a kind. */
const WARM_ROUNDS = 3;
const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;

const sessions: Readonly<Record<string, Kind>> = {
  "no-hook": { scripts: {} },
  connect: { scripts: { connect: "Accept();" } },
  proxy: { scripts: { proxy: "Pass();" } },
  helo: { scripts: { helo: "Accept();" } },
  mailfrom: { scripts: { mailfrom: "Accept();" } },
  rcptto: { scripts: { rcptto: "Accept();" } },
  // To accept is to queue: Accept() alone drops the message.
  eod: { scripts: { eod: queueing } },
  "eod-without-action": { scripts: { eod: "Done();" } },
  disconnect: { scripts: { disconnect: "Pass();" } },
  "no-hook-with-login": { scripts: {}, logsIn: true },
  // The password is checked behind it, as without it.
  auth: { scripts: { auth: "Done();" }, logsIn: true },
};
const deliveries: Readonly<Record<string, Texts>> = {
  predelivery: { predelivery: "Try();" },
  postdelivery: { postdelivery: "Default();" },
};
const isWanted = (name: string): boolean => wanted?.includes(name) ?? true;

const engine = await HookEngine.start(sessions);
const costs = new Map<string, { micros: number[]; ratios: number[] }>();
try {
  for (let round = 0; round < WARM_ROUNDS + rounds; round++) {
    if (round === WARM_ROUNDS) costs.clear();
    for (const base of ["no-hook", "no-hook-with-login"]) await sessionsInTurns(base);
  }
  for (let round = 0; round < rounds; round++) await deliveriesInTurns();
} finally {
  await engine.stop();
}
report();

async function sessionsInTurns(base: string): Promise<void> {
  const names = Object.keys(sessions).filter(
    (name) => name !== base && sessions[name]?.logsIn === sessions[base]?.logsIn && isWanted(name),
  );
  if (names.length > 0) await inTurns(names, (name) => measure(name ?? base), base);
}

/** What a reload brought is new to the compiler: as much again goes in front. */
async function deliveriesInTurns(): Promise<void> {
  const names = Object.keys(deliveries).filter(isWanted);
  const swapped = async (name: string | null): Promise<number> => {
    await engine.use(name === null ? {} : (deliveries[name] ?? {}));
    await measure("no-hook");
    return measure("no-hook");
  };
  if (names.length > 0) await inTurns(names, swapped, "no-hook");
}

/** Null asks for the one that all are held against. */
async function inTurns(
  names: readonly string[],
  cost: (name: string | null) => Promise<number>,
  base: string,
): Promise<void> {
  let before = await cost(null);
  for (const name of names) {
    const micros = await cost(name);
    const after = await cost(null);
    note(name, micros, micros / ((before + after) / 2));
    note(base, after, after / before);
    before = after;
  }
}

function measure(kind: string): Promise<number> {
  return engine.microseconds({ kind, messages, perSession });
}

function note(name: string, micros: number, ratio: number): void {
  const found = costs.get(name) ?? { micros: [], ratios: [] };
  found.micros.push(micros);
  found.ratios.push(ratio);
  costs.set(name, found);
}

function report(): void {
  const over: string[] = [];
  for (const [name, { micros, ratios }] of costs) {
    const added = ratios.map((ratio) => (ratio - 1) * 100);
    if (!name.startsWith("no-hook") && median(added) > LIMIT) over.push(name);
    say(
      `${name}: ${median(micros).toFixed(0)} µs of processor time a message, ${median(added).toFixed(1)} % more than without ` +
        `(${Math.min(...added).toFixed(1)} to ${Math.max(...added).toFixed(1)}, half of them ${part(added, 0.25).toFixed(1)} to ${part(added, 0.75).toFixed(1)})`,
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
