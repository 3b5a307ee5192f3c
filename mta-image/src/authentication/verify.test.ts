import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { systemClock } from "#base/clock.ts";

import { FakeResolver, type FakeZone } from "../../testing/fake-resolver.ts";
import { keyZone, makeSigningKey, someMail } from "../../testing/signed-mail.ts";
import { boundQuery, queryOf } from "./query.ts";
import { signDkim } from "./sign.ts";
import { type Peer, type Verdict, verify } from "./verify.ts";

const peer: Peer = { ip: "192.0.2.7", helo: "mail.example.org", sender: "ann@example.org" };
const spf: Record<string, FakeZone> = {
  "example.org": { txt: ["v=spf1 ip4:192.0.2.0/24 -all"] },
  "mail.example.org": { txt: ["v=spf1 a -all"], a: ["192.0.2.7"] },
  "_dmarc.example.org": { txt: ["v=DMARC1; p=reject"] },
};

function judge(
  message: Buffer,
  from: Peer | null,
  zones: Record<string, FakeZone>,
  seal: ReturnType<typeof makeSigningKey> | null = null,
): Promise<Verdict> {
  const query = queryOf(new FakeResolver(zones));
  return verify(message, from, { query, clock: systemClock, authority: "mx.example.net", seal });
}

function short({ dkim, spf: found, dmarc, arc }: Verdict): string {
  const signatures = dkim.map(({ result }) => result).join();
  return `dkim ${signatures} | spf ${found?.result} | dmarc ${dmarc.result} ${dmarc.policy} | arc ${arc.result}`;
}

test("SPF alone makes mail of the domain pass DMARC", async () => {
  const verdict = await judge(someMail, peer, spf);
  assert.equal(short(verdict), "dkim none | spf pass | dmarc pass reject | arc none");
  assert.match(verdict.field, /^Authentication-Results: mx\.example\.net;\r\n\tdkim=none/);
  assert.match(verdict.field, /\r\n\tspf=pass[^;]*smtp\.mailfrom=ann@example\.org/);
  assert.match(verdict.field, /\r\n\tdmarc=pass[^;]*header\.from=example\.org/);
  assert.ok(verdict.field.endsWith("\r\n"));
});

test("mail from elsewhere without a signature fails DMARC", async () => {
  const verdict = await judge(someMail, { ...peer, ip: "198.51.100.1" }, spf);
  assert.equal(short(verdict), "dkim none | spf fail | dmarc fail reject | arc none");
});

test("a signature of the domain makes forwarded mail pass DMARC", async () => {
  const key = makeSigningKey("ed25519");
  const { fields } = await signDkim(someMail, [{ key }], { at: systemClock.now() });
  const forwarded = Buffer.concat([Buffer.from(fields), someMail]);
  const verdict = await judge(forwarded, { ...peer, ip: "198.51.100.1" }, { ...spf, ...keyZone(key) });
  assert.equal(short(verdict), "dkim pass | spf fail | dmarc pass reject | arc none");
});

test("text that was put behind the bytes that a signature counts (l=) makes nothing pass DMARC", async () => {
  const key = makeSigningKey("ed25519");
  const elsewhere = { ...peer, ip: "198.51.100.1" };
  const zones = { ...spf, ...keyZone(key) };
  for (const bodyBytes of [0, 12]) {
    const { fields } = await signDkim(someMail, [{ key, bodyBytes }], { at: systemClock.now() });
    assert.match(fields, new RegExp(`l=${bodyBytes};`));
    const longer = Buffer.concat([Buffer.from(fields), someMail, Buffer.from("Pay to another account.\r\n")]);
    const verdict = await judge(longer, elsewhere, zones);
    assert.equal(short(verdict), "dkim pass | spf fail | dmarc fail reject | arc none");
    assert.match(verdict.field, /undersized signature: \d+ bytes unsigned/);
  }
  const whole = await signDkim(someMail, [{ key, bodyBytes: 32 }], { at: systemClock.now() });
  const verdict = await judge(Buffer.concat([Buffer.from(whole.fields), someMail]), elsewhere, zones);
  assert.match(short(verdict), /^dkim pass .* dmarc pass/, "all of it is signed");
});

test("a notice is judged by its HELO name", async () => {
  const verdict = await judge(someMail, { ...peer, sender: "" }, spf);
  assert.deepEqual(verdict.spf, { result: "pass", domain: "mail.example.org" });
});

test("a record of SPF that is too long is an error for good, and other long texts of the name are passed over", async () => {
  const zones = (txt: string[]): Record<string, FakeZone> => ({ ...spf, "example.org": { txt } });
  const long = `v=spf1 exists:${"%{S}".repeat(1_100)}.example.net ip4:192.0.2.0/24 -all`;
  const judged = await judge(someMail, peer, zones([long]));
  assert.equal(judged.spf?.result, "permerror");
  assert.match(judged.field, /spf=permerror[^;]*longer than 4096 bytes/);
  const beside = await judge(someMail, peer, zones(["x".repeat(9_000), "v=spf1 ip4:192.0.2.0/24 -all"]));
  assert.equal(beside.spf?.result, "pass");
});

test("DNS in trouble is a passing error, not a failure of the mail", async () => {
  const verdict = await judge(someMail, peer, {
    "example.org": { failed: true },
    "_dmarc.example.org": { failed: true },
  });
  assert.equal(short(verdict), "dkim none | spf temperror | dmarc temperror none | arc none");
});

test("a message that nobody handed over has no word on SPF", async () => {
  const verdict = await judge(someMail, null, spf);
  assert.equal(verdict.spf, null);
  assert.doesNotMatch(verdict.field, /spf=/);
});

test("two seals, one on the other, verify as a chain; a changed subject breaks it", async () => {
  const [first, second] = [
    makeSigningKey("rsa", { domain: "list.example" }),
    makeSigningKey("rsa", { domain: "next.example" }),
  ];
  const zones = { ...spf, ...keyZone(first), ...keyZone(second) };
  const once = await judge(someMail, peer, zones, first);
  assert.match(
    once.seal,
    /^ARC-Seal: i=1;[\s\S]*ARC-Message-Signature: i=1;[\s\S]*ARC-Authentication-Results: i=1; mx/,
  );
  const sealed = Buffer.concat([Buffer.from(once.seal), someMail]);
  const twice = await judge(sealed, peer, zones, second);
  assert.equal(twice.arc.result, "pass");
  assert.match(twice.seal, /^ARC-Seal: i=2;/);
  const whole = Buffer.concat([Buffer.from(twice.seal), sealed]);
  assert.equal((await judge(whole, peer, zones)).arc.result, "pass");
  const changed = Buffer.from(whole.toString().replace("A  letter", "An offer"));
  assert.equal((await judge(changed, peer, zones)).arc.result, "fail");
});

test("what a message says cannot end the field early", async () => {
  const evil = Buffer.from(
    `DKIM-Signature: v=1; a=rsa-sha256; d="x\r\n\ty"; s=é; h=from; bh=AAAA; b=AAAA\r\n${someMail.toString()}`,
  );
  const { field } = await judge(evil, { ...peer, sender: '"a\r\nBcc: x"@example.org' }, spf);
  for (const line of field.slice(0, -2).split("\r\n").slice(1)) assert.match(line, /^\t[\x20-\x7e]*$/);
});

test("questions beyond the bound are answered with trouble", async () => {
  const asked: string[] = [];
  const query = boundQuery(
    async (name) => {
      asked.push(name);
      return [];
    },
    { clock: systemClock, timeoutMs: 1000, most: 2 },
  );
  await query("a.example", "TXT");
  await query("b.example", "TXT");
  await assert.rejects(query("c.example", "TXT"), /too many questions/);
  assert.deepEqual(asked, ["a.example", "b.example"]);
});

test("any message, with any records in DNS, gets a verdict in a field that ends where it should", async () => {
  const key = makeSigningKey("ed25519");
  const { fields } = await signDkim(someMail, [{ key }], { at: systemClock.now() });
  const sound = Buffer.concat([Buffer.from(fields), someMail]);
  const words = [
    ...[
      "v=spf1",
      " include:example.org",
      " redirect=example.org",
      " exists:%{i}.%{d9r}.x",
      " ip4:1.2.3.4/99",
      " a:[",
      " -all",
    ],
    ...[
      "v=DMARC1; ",
      "p=reject; ",
      "p=; ",
      "sp=x; ",
      "rua=mailto:!",
      "v=DKIM1; ",
      "k=rsa; ",
      "p=AAAA",
      "=",
      ";",
      "\0",
      "é",
    ],
  ];
  const record = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((parts) => parts.join(""));
  const text = fc.oneof(
    record,
    record.map((rest) => `v=spf1${rest}`),
    record.map((rest) => `v=DMARC1; ${rest}`),
  );
  const part = fc.constantFrom(
    ...[
      "DKIM-Signature: ",
      "ARC-Seal: ",
      "ARC-Message-Signature: ",
      "ARC-Authentication-Results: ",
      "From: ",
      "a@example.org",
    ],
    ...[
      "v=1; ",
      "a=rsa-sha256; ",
      "i=1; ",
      "i=99; ",
      "cv=none; ",
      "d=example.org; ",
      "s=s; ",
      "b=AA; ",
      "bh=; ",
      "h=from:from; ",
    ],
    ...[
      "l=99999999999; ",
      "t=-1; ",
      "x=0; ",
      "c=x/y; ",
      "\r\n",
      "\r\n ",
      "\0",
      "é",
      "<",
      "(",
      ",",
      "\r\n\r\n",
    ],
  );
  const message = fc.oneof(
    fc.array(part, { maxLength: 25 }).map((parts) => Buffer.from(parts.join(""))),
    fc.tuple(fc.nat(sound.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Buffer.from(sound);
      bytes[at] = byte;
      return bytes;
    }),
    fc.nat(sound.length).map((at) => sound.subarray(0, at)),
  );
  const zone = fc.array(text, { maxLength: 3 }).map((txt) => ({ txt, a: ["192.0.2.7"] }));
  await fc.assert(
    fc.asyncProperty(message, zone, zone, zone, async (bytes, domain, dmarc, selector) => {
      const zones = {
        "example.org": domain,
        "_dmarc.example.org": dmarc,
        "s._domainkey.example.org": selector,
      };
      const { field, dmarc: found } = await judge(bytes, peer, { ...zones, "mail.example.org": domain });
      assert.match(field, /^Authentication-Results: mx\.example\.net;(?:[^\r\n]|\r\n[ \t])*\r\n$/);
      assert.match(found.policy, /^(?:none|quarantine|reject)$/);
    }),
    { numRuns: 300 },
  );
});
