import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { FakeResolver } from "../../testing/fake-resolver.ts";
import { keyZone, makeSigningKey, someMail } from "../../testing/signed-mail.ts";
import { readSigningKey } from "./key.ts";
import { queryOf } from "./query.ts";
import { signDkim } from "./sign.ts";
import { verify } from "./verify.ts";

const at = systemClock.now();

async function results(message: Buffer, zones: ReturnType<typeof keyZone>): Promise<string[]> {
  const query = queryOf(new FakeResolver(zones));
  const verdict = await verify(message, null, { query, clock: systemClock, authority: "mx.example.net" });
  return verdict.dkim.map(({ result, domain, algorithm }) => `${result} ${domain} ${algorithm}`);
}

test("mail signed with an RSA and an Ed25519 key passes with both", async () => {
  const keys = [makeSigningKey("rsa"), makeSigningKey("ed25519")];
  const { fields, problems } = await signDkim(
    someMail,
    keys.map((key) => ({ key })),
    { at },
  );
  assert.deepEqual(problems, []);
  const found = await results(
    Buffer.concat([Buffer.from(fields), someMail]),
    Object.assign({}, ...keys.map(keyZone)),
  );
  assert.deepEqual(found, ["pass example.org rsa-sha256", "pass example.org ed25519-sha256"]);
});

test("a changed body, and a changed subject, fail", async () => {
  const key = makeSigningKey("ed25519");
  const { fields } = await signDkim(someMail, [{ key }], { at });
  for (const [from, to] of [
    ["Hello", "Hallo"],
    ["letter", "ladder"],
  ] as const) {
    const changed = Buffer.from(fields + someMail.toString().replace(from, to));
    assert.match((await results(changed, keyZone(key)))[0] ?? "", /^(?:fail|neutral) /);
  }
});

test("a message that comes in pieces, wherever it is cut, is signed like the whole one", async () => {
  const key = makeSigningKey("ed25519");
  const whole = await signDkim(someMail, [{ key }], { at });
  for (let cut = 1; cut < someMail.length; cut++) {
    const pieces = async function* (): AsyncGenerator<Buffer> {
      yield someMail.subarray(0, cut);
      yield someMail.subarray(cut);
    };
    assert.equal((await signDkim(pieces(), [{ key }], { at })).fields, whole.fields, `cut at ${cut}`);
  }
});

test("mail without From is not signed, and the reason is given", async () => {
  const { fields, problems } = await signDkim(
    Buffer.from("Subject: x\r\n\r\nhello\r\n"),
    [{ key: makeSigningKey("rsa") }],
    { at },
  );
  assert.equal(fields, "");
  assert.match(problems.join(), /no From/);
});

test("a header that never ends is neither signed nor read", async () => {
  const endless = Buffer.from(`From: a@example.org\r\n${"X-Y: z\r\n".repeat(50_000)}`);
  const { fields, problems } = await signDkim(endless, [{ key: makeSigningKey("ed25519") }], { at });
  assert.deepEqual([fields, problems], ["", ["the header is too long"]]);
  assert.match((await results(endless, {}))[0] ?? "", /^permerror/);
});

test("of a thousand signatures ten are looked at", async () => {
  const signature = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=AAAA; b=AAAA\r\n";
  const found = await results(Buffer.from(signature.repeat(1000) + someMail.toString()), {});
  assert.equal(found.length, 10);
});

test("keys that cannot sign are refused, without a word of them in the reason", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  const weak = generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  for (const [key, reason] of [
    [ec, /ec keys cannot sign/],
    [weak, /512 bits is too short/],
    ["secret", /neither PEM/],
  ] as const) {
    assert.throws(
      () => readSigningKey({ domain: "example.org", selector: "s", key: key.toString() }),
      reason,
    );
  }
  const key = makeSigningKey("rsa").pem;
  assert.throws(() => readSigningKey({ domain: "exa;mple", selector: "s", key }), /is no domain/);
});

test("with over-signing nobody can add another of the fields that matter, there or not", async () => {
  const key = makeSigningKey("ed25519");
  const zones = keyZone(key);
  const signed = async (overSign: boolean): Promise<Buffer> => {
    const { fields, problems } = await signDkim(someMail, [{ key, overSign }], { at });
    assert.deepEqual(problems, []);
    return Buffer.concat([Buffer.from(fields), someMail]);
  };
  const [plain, sealed] = [await signed(false), await signed(true)];
  const withField = (mail: Buffer, field: string): Buffer =>
    Buffer.concat([Buffer.from(`${field}\r\n`), mail]);
  assert.deepEqual(await results(sealed, zones), ["pass example.org ed25519-sha256"]);
  for (const field of [
    "Subject: You have won",
    "From: boss@example.org",
    "Reply-To: x@evil.example",
    "Cc: y@z",
  ]) {
    assert.deepEqual(
      await results(withField(plain, field), zones),
      ["pass example.org ed25519-sha256"],
      field,
    );
    const [result = ""] = await results(withField(sealed, field), zones);
    assert.match(result, /^(?!pass)/, field);
  }
  const list = withField(withField(sealed, "List-Id: <a.example>"), "Sender: list@a.example");
  assert.deepEqual(await results(list, zones), ["pass example.org ed25519-sha256"]);
});
