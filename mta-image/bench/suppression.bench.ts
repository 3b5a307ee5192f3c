/**
 * What a long suppression list costs: how long it takes to open, what it adds to memory, how long a recipient is looked up
 * (on the list and not), and how another engine fetches the first 200,000 over HTTPS as the operator has it do: rows a second, and
 * how long everything else in that process has to wait. One process has the list behind its admin API, this one fetches.
 *
 *   node mta-image/bench/suppression.bench.ts [rows] [folder that is kept, with the list of an earlier run]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
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
const MOST_FETCHED = 200_000;
const rows = Number(process.argv[2] ?? 2_000_000);
const kept = process.argv[3];
const folder = kept ?? mkdtempSync(join(tmpdir(), "suppressions-"));
const home = join(folder, "engine");

if (process.argv[4] === "serve") await serve();
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
  const path = join(home, "spool", "suppressions.db");
  const now = systemClock.now();
  if (!existsSync(path)) fill(path, now);
  say(`${rows} rows, ${Math.round(statSync(path).size / 1e6)} MB on disk, load ${loadavg()[0]?.toFixed(1)}`);
  const before = process.memoryUsage().rss;
  const opens = Array.from({ length: 5 }, () => {
    const began = performance.now();
    new SuppressionStore(path).close();
    return performance.now() - began;
  });
  say(`open: ${spread(opens)} ms`);
  const store = new SuppressionStore(path);
  for (const isOn of [true, false])
    say(`look-up ${isOn ? "on" : "not on"} the list: ${lookUps(store, { isOn, now })}`);
  say(`memory: ${Math.round((process.memoryUsage().rss - before) / 1e6)} MB more than before`);
  store.close();
  await fetchSome();
}

function fill(path: string, now: number): void {
  mkdirSync(join(path, ".."), { recursive: true });
  const store = new SuppressionStore(path);
  for (let n = 0; n < rows; n += 10_000)
    store.add(
      Array.from({ length: 10_000 }, (_, i) => rowOf(n + i, now)),
      { max: rows, now },
    );
  store.close();
}

function lookUps(store: SuppressionStore, { isOn, now }: { isOn: boolean; now: number }): string {
  const times: number[] = [];
  for (let n = 0; n < LOOK_UPS; n++) {
    const { tenant, address } = rowOf(Math.floor(Math.random() * rows), now);
    const began = performance.now();
    const found = store.find(tenant, isOn ? address : `x${address}`, now);
    times.push(1000 * (performance.now() - began));
    if ((found !== null) !== isOn) throw new Error(`${address} is ${isOn ? "not " : ""}on the list`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(share * (LOOK_UPS - 1))] ?? 0).toFixed(0);
  return `median ${at(0.5)} µs, 99 of 100 within ${at(0.99)} µs, longest ${at(1)} µs`;
}

/** From the other process into a list of this one; told in five parts. */
async function fetchSome(): Promise<void> {
  const certificate = makeCertificate(folder, SERVER_NAME);
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), `${rows}`, folder, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const copy = mkdtempSync(join(folder, "copy-"));
  const list = new SuppressionList({ folder: copy, clock: systemClock, log: silentLog });
  list.configure(SuppressionConfig.parse({ max: rows + 1 }));
  const keys = {
    ca: certificate.ca,
    cert: certificate.cert,
    key: certificate.key,
    tokenFile: join(home, "token"),
  };
  const sharing = new Sharing({ list, keys, clock: systemClock, log: silentLog });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  sharing.follow({ peers: [{ name: "other", url: text.toString().trim(), servername: SERVER_NAME }] });
  const rates = [];
  for (let part = 1; part <= 5; part++)
    rates.push(await fetched(list, Math.floor((Math.min(rows, MOST_FETCHED) * part) / 5)));
  say(`fetching: ${((performance.now() - began) / 1000).toFixed(0)} s, ${spread(rates)} rows a second`);
  const [most, nearly] = [delay.max, delay.percentile(99)].map((ns) => (ns / 1e6).toFixed(0));
  say(`waiting of all else meanwhile: 99 of 100 within ${nearly} ms, longest ${most} ms`);
  sharing.close();
  list.close();
  child.kill();
  rmSync(copy, { recursive: true });
}

async function fetched(list: SuppressionList, size: number): Promise<number> {
  const [from, began] = [list.size ?? 0, performance.now()];
  while ((list.size ?? 0) < size) await wait(20);
  return (1000 * (size - from)) / (performance.now() - began);
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

function spread(values: readonly number[]): string {
  const [least = 0, ...more] = values.toSorted((a, b) => a - b);
  const median = [least, ...more][Math.floor(values.length / 2)] ?? 0;
  return `${median.toFixed(1)} (${least.toFixed(1)} to ${(more.at(-1) ?? least).toFixed(1)})`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
