/**
 * What looking into a message costs (CPU of a 1 MiB message, the longest piece), and what the cache weighs.
 *
 *   node --expose-gc mta-image/bench/spamhaus.bench.ts
 */
import { systemClock } from "#base/clock.ts";
import { FindingCache } from "#mta/spamhaus/cache.ts";
import { Extractor } from "#mta/spamhaus/extract.ts";
import { hashOf } from "#mta/spamhaus/hash.ts";
import { clear } from "#mta/spamhaus/judge.ts";
import { builtInRules } from "#mta/spamhaus/normalize-url.ts";

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
