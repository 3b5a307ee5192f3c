/**
 * What a long suppression list costs, in five rounds: how long it takes to open, how long a recipient is looked up (on the list
 * and not), what it adds to the memory of a process, and how another engine fetches the first 50,000 over HTTPS as the operator
 * has it do: rows a second, how long everything else in that process has to wait, and the memory of the engine that it fetches
 * from. Each round looks up in a process of its own, after as many questions to an empty list, so that what it adds is the list.
 *
 *   node mta-image/bench/suppression.bench.ts [rows] [folder that is kept, with the list of an earlier run]
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { SuppressionConfig } from "#contract/suppression-config.ts";
import { Sharing } from "#mta/suppression/sharing.ts";
import { SuppressionList } from "#mta/suppression/suppression-list.ts";
import { type Suppression, SuppressionStore } from "#mta/suppression/suppression-store.ts";

import { makeCertificate } from "../testing/certificates.ts";
import { startEngine } from "../testing/harness.ts";

const SERVER_NAME = "out-pods.mail.svc";
const DAY_MS = 86_400_000;
const LOOK_UPS = 50_000;
/** A part of a long list is enough to say how fast it comes. */
const MOST_FETCHED = 50_000;
const ROUNDS = 5;
const rows = Number(process.argv[2] ?? 2_000_000);
const kept = process.argv[3];
const folder = kept ?? mkdtempSync(join(tmpdir(), "suppressions-"));
const home = join(folder, "engine");
const path = join(home, "spool", "suppressions.db");
const part = process.argv[4];

if (part === "serve") await serve();
else if (part === "round") say(JSON.stringify(lookRound()));
else {
  try {
    await measure();
  } finally {
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** As they come: in no order of addresses. */
function rowOf(n: number, now: number): Suppression {
  const address = `user${(n * 2_654_435_761) % 4_294_967_296}@domain${n % 5000}.example.net`;
  const tenant = n % 3 === 0 ? "acme" : "";
  return { tenant, address, reason: "bad-mailbox", source: "bounce", since: now, until: now + 90 * DAY_MS };
}

async function measure(): Promise<void> {
  if (!existsSync(path)) fill(systemClock.now());
  const bytes = Math.round(statSync(path).size / 1e6);
  say(`${rows} rows, ${bytes} MB on disk, ${ROUNDS} rounds, load ${loadavg()[0]?.toFixed(1)}`);
  const looked: Looked[] = [];
  const fetched: Fetched[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    looked.push(JSON.parse(await firstLine(startPart("round"))) as Looked);
    fetched.push(await fetchSome());
  }
  const opens = looked.map(({ openMs }) => openMs);
  say(`open: ${spread(opens, 1)} ms`);
  for (const on of ["on", "off"] as const) {
    const of = (name: keyof Times): string =>
      spread(
        looked.map((round) => round[on][name]),
        0,
      );
    say(`look-up, ${on} the list: median ${of("median")} µs, 99 of 100 within ${of("most")} µs`);
  }
  say(
    `memory that the list adds: ${spread(
      looked.map(({ addedMb }) => addedMb),
      1,
    )} MB`,
  );
  const figure = (name: keyof Fetched, digits = 0): string =>
    spread(
      fetched.map((round) => round[name]),
      digits,
    );
  say(`fetching: ${figure("rate")} rows a second`);
  say(
    `waiting of all else meanwhile: 99 of 100 within ${figure("nearlyMs")} ms, longest ${figure("longestMs")} ms`,
  );
  say(
    `memory of the engine that is asked: ${figure("startMb")} MB at its start, ${figure("endMb")} MB behind it`,
  );
  say(`load ${loadavg()[0]?.toFixed(1)}`);
}

interface Times {
  /** µs */
  readonly median: number;
  /** Of 99 of 100. */
  readonly most: number;
}

interface Looked {
  readonly openMs: number;
  readonly on: Times;
  readonly off: Times;
  readonly addedMb: number;
}

/** In a process of its own: memory that another list took would be there for this one. */
function lookRound(): Looked {
  const empty = mkdtempSync(join(folder, "empty-"));
  const none = new SuppressionStore(join(empty, "suppressions.db"));
  lookUps(none, { isOn: null });
  lookUps(none, { isOn: null });
  none.close();
  rmSync(empty, { recursive: true });
  const before = ownMb();
  const began = performance.now();
  const store = new SuppressionStore(path);
  const openMs = performance.now() - began;
  const looked = { openMs, on: lookUps(store, { isOn: true }), off: lookUps(store, { isOn: false }) };
  const addedMb = ownMb() - before;
  store.close();
  return { ...looked, addedMb };
}

/** What the process holds itself, without the pages of files that it has mapped (Linux). */
function ownMb(pid: number | "self" = "self"): number {
  globalThis.gc?.();
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

function fill(now: number): void {
  mkdirSync(join(path, ".."), { recursive: true });
  const store = new SuppressionStore(path);
  for (let n = 0; n < rows; n += 10_000)
    store.add(
      Array.from({ length: 10_000 }, (_, i) => rowOf(n + i, now)),
      { max: rows, now },
    );
  store.close();
}

/** `isOn`: what must come out; null: nothing is on an empty list. */
function lookUps(store: SuppressionStore, { isOn }: { isOn: boolean | null }): Times {
  const now = systemClock.now();
  const times = new Float64Array(LOOK_UPS);
  for (let n = 0; n < LOOK_UPS; n++) {
    const { tenant, address } = rowOf(Math.floor(Math.random() * rows), now);
    const began = performance.now();
    const found = store.find(tenant, isOn === false ? `x${address}` : address, now);
    times[n] = 1000 * (performance.now() - began);
    if ((found !== null) !== (isOn ?? false))
      throw new Error(`${address}: ${found === null ? "not found" : "found"}`);
  }
  times.sort();
  const at = (share: number): number => times[Math.floor(share * (LOOK_UPS - 1))] ?? 0;
  return { median: at(0.5), most: at(0.99) };
}

interface Fetched {
  /** Rows a second. */
  readonly rate: number;
  readonly nearlyMs: number;
  readonly longestMs: number;
  readonly startMb: number;
  readonly endMb: number;
}

/** From the other process into a list of this one. */
async function fetchSome(): Promise<Fetched> {
  const certificate = makeCertificate(folder, SERVER_NAME);
  const child = startPart("serve");
  const url = (await firstLine(child)).trim();
  const startMb = ownMb(child.pid);
  const copy = mkdtempSync(join(folder, "copy-"));
  const list = new SuppressionList({ folder: copy, clock: systemClock, log: silentLog });
  list.configure(SuppressionConfig.parse({ max: rows + 1 }));
  const { ca, cert, key } = certificate;
  const keys = { ca, cert, key, tokenFile: join(home, "token") };
  const sharing = new Sharing({ list, keys, clock: systemClock, log: silentLog });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  sharing.follow({ peers: [{ name: "other", url, servername: SERVER_NAME }] });
  while ((list.size ?? 0) < Math.min(rows, MOST_FETCHED)) await wait(20);
  const rate = (1000 * (list.size ?? 0)) / (performance.now() - began);
  const endMb = ownMb(child.pid);
  sharing.close();
  list.close();
  child.kill();
  rmSync(copy, { recursive: true });
  return { rate, nearlyMs: delay.percentile(99) / 1e6, longestMs: delay.max / 1e6, startMb, endMb };
}

type Part = ChildProcessByStdio<null, Readable, null>;

/** This program in another process. */
function startPart(name: "serve" | "round"): Part {
  const file = fileURLToPath(import.meta.url);
  return spawn(process.execPath, ["--expose-gc", file, `${rows}`, folder, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function firstLine({ stdout }: Part): Promise<string> {
  const [text] = (await once(stdout, "data")) as [Buffer];
  return text.toString();
}

/** The other engine. */
async function serve(): Promise<void> {
  const [cert, key, clientca] = ["crt", "key", "ca.crt"].map((end) => join(folder, `${SERVER_NAME}.${end}`));
  const admin = {
    listener: { port: 0, address: "127.0.0.1" },
    tokenfile: join(home, "token"),
    tls: { cert, key, clientca },
  };
  const app = { suppression: { max: rows + 1 } };
  const engine = await startEngine({ folder: home, server: "127.0.0.1:1", startup: { admin }, app });
  process.stdout.write(`https://127.0.0.1:${engine.mta.ports.get("admin")}\n`);
}

function spread(values: readonly number[], digits: number): string {
  const [least = 0, ...more] = values.toSorted((a, b) => a - b);
  const median = [least, ...more][Math.floor(values.length / 2)] ?? 0;
  const [middle, first, last] = [median, least, more.at(-1) ?? least].map((value) => value.toFixed(digits));
  return `${middle} (${first} to ${last})`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
