/** Signatures and time: they hold from when they were made to their end by the verifier's clock, and clocks may differ. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeResolver } from "../../testing/fake-resolver.ts";
import { keyZone, makeSigningKey, someMail } from "../../testing/signed-mail.ts";
import { library } from "./library.ts";
import { queryOf } from "./query.ts";
import { signDkim } from "./sign.ts";
import { verify } from "./verify.ts";

const HOUR = 3_600_000;
const key = makeSigningKey("ed25519");

/** As others sign who give an end (x=), which we do not. */
async function signedUntil(at: number, end: number): Promise<string> {
  const { dkimSign } = await library();
  const { signatures } = await dkimSign(someMail, {
    canonicalization: "relaxed/relaxed",
    signTime: new Date(at),
    expires: new Date(end),
    signatureData: [
      { signingDomain: key.domain, selector: key.selector, privateKey: key.pem, algorithm: key.algorithm },
    ],
  } as unknown as Parameters<typeof dkimSign>[1]);
  assert.match(signatures, /\bx=\d+;/);
  return signatures;
}

/** By a clock that was set by so much since the mail was signed for an hour, or without an end. */
async function judged(setBy: number, lifeMs: number | undefined): Promise<string> {
  const clock = new ManualClock();
  const at = clock.now();
  const fields =
    lifeMs === undefined
      ? (await signDkim(someMail, [{ key }], { at })).fields
      : await signedUntil(at, at + lifeMs);
  clock.setWall(setBy);
  const query = queryOf(new FakeResolver(keyZone(key)));
  const message = Buffer.concat([Buffer.from(fields), someMail]);
  const verdict = await verify(message, null, { query, clock, authority: "mx.example.net", seal: null });
  return verdict.dkim.map(({ result, comment }) => `${result} ${comment}`.trim()).join();
}

test("a signature holds until its x= and not longer, by the clock of the verifier", async () => {
  assert.equal(await judged(0, HOUR), "pass");
  assert.equal(await judged(HOUR - 1000, HOUR), "pass");
  assert.equal(await judged(HOUR + 1000, HOUR), "neutral expired");
  assert.equal(await judged(3650 * 24 * HOUR, HOUR), "neutral expired");
});

test("a signature without x= never ends, however far the clock is set forward", async () => {
  assert.equal(await judged(3650 * 24 * HOUR, undefined), "pass");
});

test("a signature of a signer whose clock is ahead, or of a verifier whose clock was set back, holds", async () => {
  for (const setBy of [-1000, -HOUR, -365 * 24 * HOUR]) {
    assert.equal(await judged(setBy, HOUR), "pass");
    assert.equal(await judged(setBy, undefined), "pass");
  }
});
