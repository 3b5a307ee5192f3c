/**
 * What looking into a message costs (CPU of a 1 MiB message, the longest piece), what the cache weighs, and how long
 * many questions take that nobody has asked before, at a name server that is far away.
 *
 *   node --expose-gc mta-image/bench/spamhaus.bench.ts
 */
import { systemClock } from "#base/clock.ts";
import { FindingCache } from "#mta/spamhaus/cache.ts";
import { Extractor } from "#mta/spamhaus/extract.ts";
import { hashOf } from "#mta/spamhaus/hash.ts";
import { SystemResolver } from "#mta/dns/system-resolver.ts";
import { makeSpamhausCounters } from "#mta/spamhaus/counters.ts";
import { clear } from "#mta/spamhaus/judge.ts";
import { Lookup } from "#mta/spamhaus/lookup.ts";
import { builtInRules } from "#mta/spamhaus/normalize-url.ts";

import { MisbehavingDns } from "../testing/misbehaving-dns.ts";

const MIB = 1_048_576;
const PIECE_BYTES = 65_536;
const ROUNDS = 5;
const line =
  "A line with http://www.example.com/path/page.html?x=1 and someone@example.org and more text.\r\n";
const attachment = Buffer.alloc((MIB * 3) / 4, "abcdefg\u0001")
  .toString("base64")
  .replace(/(.{76})/g, "$1\r\n");

const messages: Readonly<Record<string, Buffer>> = {
  "text and attachment": Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${line.repeat(80)}\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${attachment}\r\n--b--\r\n`,
  ),
  "text only": Buffer.from(`\r\n${line.repeat(MIB / line.length)}`),
  "nothing but @": Buffer.from(`\r\n${"a@b.c ".repeat(MIB / 6)}`),
  "nothing but URLs": Buffer.from(`\r\n${"http://".repeat(MIB / 7)}`),
  "nothing but delimiters": Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"\r\n--b".repeat(MIB / 5)}`,
  ),
};

function measure(message: Buffer): { cpuMs: number; longestMs: number } {
  const extractor = new Extractor({ urls: 100, addresses: 20, wallets: 20, files: 20 }, builtInRules);
  const start = process.cpuUsage();
  let longestMs = 0;
  for (let at = 0; at < message.length; at += PIECE_BYTES) {
    const before = process.threadCpuUsage();
    extractor.push(message.subarray(at, at + PIECE_BYTES));
    const { user, system } = process.threadCpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1000);
  }
  extractor.end();
  const { user, system } = process.cpuUsage(start);
  return { cpuMs: (user + system) / 1000, longestMs };
}

for (const [name, message] of Object.entries(messages)) {
  const runs = Array.from({ length: ROUNDS }, () => measure(message)).toSorted((a, b) => a.cpuMs - b.cpuMs);
  const { cpuMs, longestMs } = runs[ROUNDS >> 1] as { cpuMs: number; longestMs: number };
  process.stdout.write(`${name}: ${cpuMs.toFixed(1)} ms CPU, longest piece ${longestMs.toFixed(1)} ms\n`);
}

const ENTRIES = 100_000;
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const cache = new FindingCache(systemClock);
for (let i = 0; i < ENTRIES; i++) {
  cache.keep(`${hashOf(`${i}`)}._url.hbl`.toLowerCase(), clear, { lifeMs: 300_000, maxEntries: ENTRIES });
}
globalThis.gc?.();
const bytes = process.memoryUsage().heapUsed - before;
process.stdout.write(`${cache.size} cached answers: ${(bytes / MIB).toFixed(1)} MiB\n`);

const DELAY_MS = 50;
const QUESTIONS = 40;
const dns = await MisbehavingDns.start();
dns.delayMs = DELAY_MS;
const resolver = new SystemResolver({ servers: [dns.server], timeoutMs: 1500, tries: 2 });
const settings = {
  key: "abcdefghijklmnopqrstuvwxyz",
  zone: "dq.spamhaus.net",
  timeoutMs: 5000,
  cacheSize: ENTRIES,
  negativeMs: 10_000,
  ask: (name: string) => resolver.a(name),
};
const lookup = new Lookup({
  clock: systemClock,
  settings: () => settings,
  counters: makeSpamhausCounters(),
  note: () => {},
});
const lists = ["zen", "dbl", "zrd", "hbl"] as const;
const times: number[] = [];
for (let round = 0; round < 11; round++) {
  const started = performance.now();
  const questions = Array.from({ length: QUESTIONS }, (_, i) => ({
    list: lists[i % lists.length] ?? "dbl",
    label: `r${round}q${i}.example`,
  }));
  await lookup.askAll(questions);
  times.push(performance.now() - started);
}
dns.stop();
const [median = 0] = times.toSorted((a, b) => a - b).slice(times.length >> 1);
process.stdout.write(
  `${QUESTIONS} cold questions of 4 lists, name server ${DELAY_MS} ms away: ${median.toFixed(1)} ms (most ${Math.max(...times).toFixed(1)} ms)\n`,
);
