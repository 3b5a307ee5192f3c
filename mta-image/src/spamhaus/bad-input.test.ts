/** Hostile mail through the whole chain, over a DNS server that counts: bounded work, right names, no crash. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { SpamhausConfig } from "#contract/spamhaus-config.ts";

import { MisbehavingDns } from "../../testing/misbehaving-dns.ts";
import { hashOf } from "./hash.ts";
import { Spamhaus } from "./spamhaus.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const folder = mkdtempSync(join(tmpdir(), "bad-input-"));
let dns: MisbehavingDns;

before(async () => {
  dns = await MisbehavingDns.start();
  writeFileSync(join(folder, "key"), KEY);
});
after(() => {
  dns.stop();
  rmSync(folder, { recursive: true });
});

/** Time stands still for it, so that no deadline ends a question; those before have left it no pause either. */
async function open(): Promise<Spamhaus> {
  const spamhaus = new Spamhaus({ clock: new ManualClock(), log: silentLog });
  const config = { keyfile: join(folder, "key"), resolvers: [dns.server], lists: ["zen", "dbl", "hbl"] };
  (await spamhaus.prepare(SpamhausConfig.parse({ ...config, cache: { size: 0 } }), []))();
  return spamhaus;
}

/** What was asked about a message, each name in lower case without key and zone; a name that is asked again counts once. */
async function askedAbout(message: string | Buffer, ip = "10.0.0.1"): Promise<string[]> {
  const spamhaus = await open();
  dns.asked.length = 0;
  const check = spamhaus.checks.content({ ip, helo: "[10.0.0.1]", sender: "", isLoggedIn: false });
  const bytes = Buffer.from(message);
  for (let at = 0; at < bytes.length; at += 65_536) check?.write(bytes.subarray(at, at + 65_536));
  assert.equal((await check?.end())?.kind, "accept");
  spamhaus.close();
  const points = ["2.0.0.127", "dbltest.com", "tv7qrqpgbkf4"];
  const names = dns.asked.map((name) =>
    name.toLowerCase().replace(`.${KEY}`, "").replace(".dq.spamhaus.net", ""),
  );
  return [...new Set(names)].filter((name) => !points.some((point) => name.startsWith(point))).toSorted();
}

const link = "http://inside.example/";
const aboutLink = ["inside.example.dbl", `${hashOf("inside.example").toLowerCase()}._url.hbl`];

test("what is nested beyond the bound is not asked about, and what stands before is", async () => {
  const deep = Array.from(
    { length: 5000 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  ).join("");
  assert.deepEqual(await askedAbout(`${deep}\r\n${link}\r\n`), []);
  const messages = "Content-Type: message/rfc822\r\n\r\n".repeat(3000);
  assert.deepEqual(await askedAbout(`${messages}\r\n${link}\r\n`), []);
  assert.deepEqual(await askedAbout(`Subject: ${link}\r\n${deep}`), aboutLink);
});

test("giant headers cost their bytes and no more, and the text behind them is read", async () => {
  const long = `X-Long: ${"a".repeat(4_000_000)}\r\n`;
  assert.deepEqual(await askedAbout(`${long}\r\n${link}\r\n`), aboutLink);
  const many = "X-Many: a\r\n".repeat(200_000);
  assert.deepEqual(await askedAbout(`${many}\r\n${link}\r\n`), aboutLink);
});

test("thousands of URLs, addresses and wallets lead to as many questions as the limits say", async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) =>
      `http://h${i}.example/path${i} user${i}@m${i}.example 0x${i.toString(16).padStart(40, "0")}\r\n`,
  );
  const asked = await askedAbout(`\r\n${lines.join("")}`);
  const count = (end: string): number => asked.filter((name) => name.endsWith(end)).length;
  assert.ok(count("._url.hbl") <= 100 && count("._url.hbl") > 50);
  assert.ok(count("._email.hbl") <= 2 * 20);
  assert.ok(count("._cw.hbl") <= 20);
  assert.ok(count(".dbl") <= 100 + 20);
});

test("malformed encodings are read as far as they make sense", async () => {
  const part = (encoding: string, body: string): string =>
    `Content-Type: text/plain; charset="no such"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
  const base64 = Buffer.from(link).toString("base64");
  const broken = base64.replace(/(.{3})/g, "$1\u00ff*\r\n");
  assert.deepEqual(await askedAbout(part("base64", broken)), aboutLink);
  assert.deepEqual(await askedAbout(part("quoted-printable", "http://inside=2Eexample/ =ZZ =")), aboutLink);
  assert.deepEqual(await askedAbout(part("x-unknown", link)), aboutLink);
  assert.deepEqual(await askedAbout(Buffer.from("\r\nhttp://\xff\xfe\x00.example/", "latin1")), []);
});

test("lookalike and international domains are asked as the names that they resolve as", async () => {
  for (const [written, wanted] of [
    ["http://bücher.example/", "xn--bcher-kva.example.dbl"],
    ["http://XN--BCHER-KVA.example./", "xn--bcher-kva.example.dbl"],
    // Cyrillic letters are another name, whatever it looks like.
    ["http://раураl.example/", "xn--l-7sba6dbr.example.dbl"],
    // Full-width letters and dots, and what is invisible, are the same name (UTS 46).
    ["http://ｉｎｓｉｄｅ．example/", "inside.example.dbl"],
    ["http://inside。example/", "inside.example.dbl"],
    ["http://in\u00adside.example/", "inside.example.dbl"],
    ["http://user:pass@inside.example:80\\@good.example/", "inside.example.dbl"],
    ["http://%69nside.example/", "inside.example.dbl"],
  ] as const) {
    const asked = await askedAbout(`Content-Type: text/plain; charset=utf-8\r\n\r\n${written}\r\n`);
    assert.ok(asked.includes(wanted), `${written}: ${asked.join(" ")}`);
  }
});

test("addresses are never asked at lists of names, in whatever notation, and mapped ones as IPv4", async () => {
  const hosts = [
    "192.0.2.7",
    "3221225991",
    "0xC0.0x0.0x2.0x7",
    "0300.0.2.7",
    "[::ffff:192.0.2.7]",
    "192.0.519",
  ];
  const asked = await askedAbout(`\r\n${hosts.map((host) => `http://${host}/`).join("\r\n")}\r\n`);
  assert.deepEqual(
    asked.filter((name) => name.endsWith(".dbl")),
    [],
  );
  assert.deepEqual(
    asked.filter((name) => name.endsWith(".zen")),
    ["7.2.0.192.zen"],
  );
  const mapped = await askedAbout("\r\nx\r\n", "::ffff:198.51.100.4");
  assert.deepEqual(mapped, ["4.100.51.198.zen"]);
});

test("wallets are hashed in the case that tells them apart", async () => {
  const ethereum = "0xDe0B295669a9FD93d5F28D9Ec85E40f4cb697BAe";
  const bech32 = "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ";
  const cash = "BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A";
  const nameOf = (wallet: string): string => `${hashOf(wallet).toLowerCase()}._cw.hbl`;
  const legacy = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";
  const asked = await askedAbout(
    `\r\n${[ethereum, bech32, cash, legacy, legacy.toLowerCase()].join(" ")}\r\n`,
  );
  const wanted = [
    ethereum.toLowerCase(),
    bech32.toLowerCase(),
    cash.toLowerCase(),
    legacy,
    legacy.toLowerCase(),
  ];
  for (const wallet of wanted) assert.ok(asked.includes(nameOf(wallet)), wallet);
  assert.equal(asked.length, wanted.length);
});
