import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, describe, test } from "node:test";

import { type Log, silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { SpamhausConfig } from "#contract/spamhaus-config.ts";

import { MisbehavingDns } from "../../testing/misbehaving-dns.ts";
import { type Rbldnsd, hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";
import { until } from "../../testing/until.ts";
import type { Ruling } from "../session/checks.ts";
import { Spamhaus } from "./spamhaus.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const NEXT_KEY = "nextkeynextkeynextkey";
const REFUSED = "zyxwvutsrqponmlkjihgfedcba";
const facts = { ip: "192.0.2.1", helo: "mail.good.example", sender: "a@good.example", isLoggedIn: false };

async function open(
  t: TestContext,
  options: { server: string; key?: string; log?: Log; config?: Record<string, unknown> },
): Promise<{ spamhaus: Spamhaus; clock: ManualClock; keyfile: string }> {
  const folder = await mkdtemp(join(tmpdir(), "spamhaus-"));
  t.after(() => rm(folder, { recursive: true }));
  const keyfile = join(folder, "key");
  await writeFile(keyfile, `${options.key ?? KEY}\n`);
  const clock = new ManualClock();
  const spamhaus = new Spamhaus({ clock, log: options.log ?? silentLog });
  t.after(() => spamhaus.close());
  const lists = ["zen", "authbl", "dbl", "zrd", "hbl"];
  const config = SpamhausConfig.parse({ keyfile, lists, resolvers: [options.server], ...options.config });
  (await spamhaus.prepare(config, []))();
  return { spamhaus, clock, keyfile };
}

function inWords(ruling: Ruling | null): string {
  if (ruling === null) return "not asked";
  if (ruling.kind === "refuse") return `${ruling.reply.code} ${ruling.reply.text}`;
  return ruling.fields === "" ? "accept" : ruling.fields.replaceAll("\r\n", "|").replaceAll("\t", "");
}

async function content(
  spamhaus: Spamhaus,
  text: string,
  change: Partial<typeof facts> = {},
): Promise<string> {
  const check = spamhaus.checks.content({ ...facts, ...change });
  check?.write(Buffer.from(text.replaceAll("\n", "\r\n")));
  return inWords((await check?.end()) ?? null);
}

describe("stages over real DNS", { skip: hasRbldnsd() ? false : "rbldnsd is not installed" }, () => {
  let daemon: Rbldnsd;
  before(async () => {
    daemon = await startRbldnsd([KEY, NEXT_KEY], [REFUSED]);
  });
  after(() => daemon.stop());

  test("a listed client is refused at connect, with its own address and never the key", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server });
    const reply = inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" }));
    assert.match(reply, /^550 Listed by Spamhaus ZEN .*query\/ip\/198\.51\.100\.4$/);
    assert.equal(reply.includes(KEY), false);
    assert.equal(inWords(await spamhaus.checks.connect({ ip: "192.0.2.1" })), "accept");
    assert.equal(spamhaus.checks.connect({ ip: "10.0.0.1" }), null);
    assert.match(inWords(await spamhaus.checks.authenticated({ ip: "198.51.100.20" })), /^550 .*AUTHBL/);
  });

  test("HELO name and sender are looked up at MAIL", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server });
    const ask = async (change: Partial<typeof facts>): Promise<string> =>
      inWords(await spamhaus.checks.mailFrom({ ...facts, ...change }));
    assert.equal(await ask({}), "accept");
    assert.match(await ask({ helo: "x.bad.example" }), /^550 .*DBL \(spam domain\)/);
    assert.match(await ask({ sender: "a@phish.example" }), /^550 .*phishing/);
    assert.match(await ask({ sender: "User+tag@hbltest.com" }), /^550 .*HBL/);
    assert.match(await ask({ ip: "198.51.100.4" }), /^550 .*ZEN/);
    assert.equal(await ask({ ip: "10.0.0.1", helo: "[192.0.2.1]", sender: "" }), "not asked");
    assert.match(await ask({ sender: "a@fresh.example" }), /^X-Spamhaus: zrd=127\.0\.2\.2/);
  });

  const nested = (url: string): string =>
    `Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n${Buffer.from(`<a href="${url}">`).toString("base64")}\n--b--\n`;

  test("a URL in a message inside a message is found, and tagged or refused as configured", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server, config: { actions: { hbl: "tag" } } });
    assert.equal(
      await content(spamhaus, nested("https://www.hbltest.com/test?x")),
      "X-Spamhaus: hbl=127.0.3.30 (url) www.hbltest.com/test|",
    );
    assert.match(await content(spamhaus, nested("http://www.bad.example/")), /^550 .*DBL/);
    assert.equal(await content(spamhaus, nested("http://good.example/")), "accept");
    const code = await open(t, {
      server: daemon.server,
      config: { actions: { hbl: "tag", "127.0.3.30": "defer", "127.0.1.102": "accept" } },
    });
    assert.match(await content(code.spamhaus, nested("https://www.hbltest.com/test")), /^451 /);
    assert.equal(await content(code.spamhaus, nested("https://abused.example/")), "accept");
  });

  test("an address as host of a URL counts where it is one of criminals, and not where it is one of homes", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server });
    assert.match(
      await content(spamhaus, nested("http://198.51.100.9/x")),
      /^550 .*ZEN .*query\/ip\/198\.51\.100\.9/,
    );
    assert.equal(await content(spamhaus, nested("http://203.0.113.79/x")), "accept");
    assert.match(inWords(await spamhaus.checks.connect({ ip: "203.0.113.79" })), /^550 .*PBL/);
  });

  test("a malware attachment and a wallet are refused", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server });
    const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "!$H+H*"].join("");
    const attached = `Content-Type: application/x; name=e.com\nContent-Transfer-Encoding: base64\n\n${Buffer.from(eicar).toString("base64")}`;
    assert.match(await content(spamhaus, attached), /malware/);
    assert.match(await content(spamhaus, "\n\nPay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT now"), /cryptowallet/);
  });

  test("who has logged in is judged by sender and content, not by the address or name of the machine", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server });
    const ours = { ip: "203.0.113.9", helo: "x.bad.example", isLoggedIn: true };
    assert.match(inWords(await spamhaus.checks.mailFrom({ ...facts, ip: ours.ip })), /^550 .*ZEN .*PBL/);
    assert.equal(inWords(await spamhaus.checks.mailFrom({ ...facts, ...ours })), "accept");
    assert.equal(await content(spamhaus, nested("http://good.example/"), ours), "accept");
    assert.match(await content(spamhaus, nested("http://www.bad.example/"), ours), /^550 .*DBL/);
    assert.match(await content(spamhaus, "\n\nx", { ...ours, ip: "198.51.100.20" }), /^550 .*AUTHBL/);
  });

  test("nothing is asked at a moment that is not configured", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server, config: { stages: ["content"] } });
    assert.equal(spamhaus.checks.connect({ ip: "198.51.100.4" }), null);
    assert.equal(spamhaus.checks.authenticated({ ip: "198.51.100.20" }), null);
    assert.equal(spamhaus.checks.mailFrom({ ...facts, sender: "a@bad.example" }), null);
    const listed = { ip: "198.51.100.4" };
    assert.equal(await content(spamhaus, nested("http://good.example/"), listed), "accept");
    assert.match(await content(spamhaus, nested("http://bad.example/"), listed), /^550 .*DBL/);
  });

  test("exempt clients and domains are not asked about", async (t) => {
    const exceptions = { networks: ["198.51.100.0/24"], domains: ["bad.example"] };
    const { spamhaus } = await open(t, { server: daemon.server, config: { exceptions } });
    assert.equal(spamhaus.checks.connect({ ip: "198.51.100.4" }), null);
    assert.equal(spamhaus.checks.mailFrom({ ...facts, sender: "a@x.bad.example" }), null);
    assert.equal(await content(spamhaus, nested("http://www.bad.example/")), "accept");
    assert.equal(
      Object.values(spamhaus.counters.rulings).reduce((sum, n) => sum + n),
      1,
    );
  });

  test("a refused key lets mail pass and shows in the figures, or defers when told so", async (t) => {
    const { spamhaus } = await open(t, { server: daemon.server, key: REFUSED });
    assert.equal(inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" })), "accept");
    assert.equal(spamhaus.counters.errors["key-refused"], 1);
    const closed = await open(t, { server: daemon.server, key: REFUSED, config: { failopen: false } });
    assert.match(inWords(await closed.spamhaus.checks.connect({ ip: "198.51.100.4" })), /^451 /);
  });

  test("a new key is used without a reload, a file without one keeps the old", async (t) => {
    const { spamhaus, clock, keyfile } = await open(t, { server: daemon.server, key: REFUSED });
    const isListed = async (): Promise<boolean> => {
      clock.advance(30_000);
      return inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" })).startsWith("550");
    };
    assert.equal(await isListed(), false);
    await writeFile(keyfile, "no key at all!");
    assert.equal(await isListed(), false);
    await writeFile(keyfile, NEXT_KEY);
    await until(isListed, (listed) => listed);
    assert.equal(spamhaus.counters.errors["no-key"], 0);
  });
});

describe("what the operator is told", { skip: hasRbldnsd() ? false : "rbldnsd is not installed" }, () => {
  let daemon: Rbldnsd;
  before(async () => {
    daemon = await startRbldnsd([KEY, NEXT_KEY], [REFUSED]);
  });
  after(() => daemon.stop());
  const all = ["zen", "authbl", "dbl", "zrd", "hbl"];

  test("a refused key is trouble before any mail has come, and over when another key works", async (t) => {
    const { spamhaus, clock, keyfile } = await open(t, { server: daemon.server, key: REFUSED });
    const trouble = (): string | null => spamhaus.state?.trouble ?? null;
    await until(trouble, (reason) => reason === "key-refused");
    assert.equal(spamhaus.state?.key, "key");
    await writeFile(keyfile, NEXT_KEY);
    clock.advance(30_000);
    await until(trouble, (reason) => reason === null);
    assert.deepEqual(spamhaus.state, { key: "key", trouble: null, missing: [] });
  });

  test("a key that is not there yet is taken when it comes, and the one before is used until then", async (t) => {
    const { spamhaus, clock, keyfile } = await open(t, { server: daemon.server });
    const next = SpamhausConfig.parse({ keyfile: `${keyfile}-2`, lists: all, resolvers: [daemon.server] });
    (await spamhaus.prepare(next, []))();
    assert.equal(spamhaus.state?.key, "key");
    assert.match(inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" })), /^550 /);
    await writeFile(`${keyfile}-2`, NEXT_KEY);
    await until(
      () => {
        clock.advance(2000);
        return spamhaus.state?.key;
      },
      (name) => name === "key-2",
    );
  });

  test("a probe tries key and lists out and changes nothing", async (t) => {
    const { spamhaus, keyfile } = await open(t, { server: daemon.server, config: { lists: ["zen"] } });
    const outcomes = async (key: string, lists = all): Promise<string> => {
      await writeFile(`${keyfile}-2`, key);
      const config = SpamhausConfig.parse({ keyfile: `${keyfile}-2`, lists, resolvers: [daemon.server] });
      const { results } = await spamhaus.probe({ spamhaus: config });
      return results.map(({ list, outcome }) => `${list} ${outcome}`).join(", ");
    };
    assert.equal(await outcomes(NEXT_KEY), "zen listed, authbl listed, dbl listed, zrd listed, hbl listed");
    assert.equal(await outcomes(REFUSED, ["zen", "hbl"]), "zen key-refused, hbl key-refused");
    assert.equal(await outcomes("no key", ["dbl"]), "dbl no-key");
    assert.equal(spamhaus.state?.key, "key");
    assert.equal(spamhaus.counters.errors["key-refused"], 0);
  });

  test("a list that the key does not include is named", async (t) => {
    const dns = await MisbehavingDns.start();
    t.after(() => dns.stop());
    dns.answer = (name) =>
      name.includes(".hbl.") ? { kind: "no-domain" } : { kind: "addresses", addresses: ["127.0.0.2"] };
    const { spamhaus } = await open(t, { server: dns.server, config: { lists: ["zen", "hbl"] } });
    await until(
      () => spamhaus.state?.missing,
      (missing) => missing?.join() === "hbl",
    );
  });
});

test("the key is in no reply, field or log line, whatever the answers are", async (t) => {
  const dns = await MisbehavingDns.start();
  t.after(() => dns.stop());
  const lines: string[] = [];
  const note = (...args: unknown[]): void => void lines.push(JSON.stringify(args));
  const log = { ...silentLog, error: note, warn: note, info: note } as unknown as Log;
  const { spamhaus } = await open(t, { server: dns.server, log, config: { timeout: "1s" } });
  for (const kind of ["server-failure", "garbage", "no-domain"] as const) {
    dns.answer = () => ({ kind });
    lines.push(inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" })));
    lines.push(await content(spamhaus, "\n\nhttp://a.example/"));
  }
  dns.answer = (name) => ({
    kind: "addresses",
    addresses: [name.includes("dbl") ? "127.0.1.2" : "127.0.0.2"],
  });
  lines.push(inWords(await spamhaus.checks.mailFrom({ ...facts, sender: "a@b.example" })));
  assert.ok(dns.asked.some((name) => name.toLowerCase().includes(KEY)));
  assert.equal(lines.join("\n").includes(KEY), false);
});

test("a key file that is not there lets mail pass, and an unknown code is refused", async (t) => {
  const spamhaus = new Spamhaus({ clock: new ManualClock(), log: silentLog });
  t.after(() => spamhaus.close());
  assert.equal(spamhaus.checks.connect({ ip: "198.51.100.4" }), null);
  const config = { keyfile: "/nowhere/key", resolvers: ["127.0.0.1:9"] };
  (await spamhaus.prepare(SpamhausConfig.parse(config), []))();
  assert.equal(inWords(await spamhaus.checks.connect({ ip: "198.51.100.4" })), "accept");
  assert.equal(spamhaus.counters.errors["no-key"], 1);
  const wrong = SpamhausConfig.parse({ ...config, actions: { "127.0.0.77": "tag" } });
  await assert.rejects(spamhaus.prepare(wrong, []), { code: "spamhaus-code" });
});
