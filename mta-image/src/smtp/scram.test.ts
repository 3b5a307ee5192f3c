import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";

import { judgeClientFinal, keysOf, readClientFirst, serverFirst } from "./scram.ts";

const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const keys = { iterations: 4096, salt, ...keysOf(pbkdf2Sync("pencil", salt, 4096, 32, "sha256")) };
const ours = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

test("the example of RFC 7677 runs as written", () => {
  const first = readClientFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  assert.ok(first !== null);
  assert.equal(first.login, "user");
  const challenge = serverFirst(first, keys, ours);
  assert.equal(challenge, `r=rOprNGfwEbeRWgbNEkqO${ours},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  const final = `c=biws,r=rOprNGfwEbeRWgbNEkqO${ours},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
  const talk = { first, challenge, keys, ours };
  assert.equal(judgeClientFinal(final, talk), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  for (const wrong of [
    final.replace("dHz", "eHz"),
    final.replace("biws", "eSws"),
    final.replace("rOpr", "rOpx"),
    final.replace(",p=", ",x=1,p="),
    `${final},p=`,
    "",
  ])
    assert.equal(judgeClientFinal(wrong, talk), null, wrong);
});

test("names are unescaped, and nobody may act for somebody else or bind a channel", () => {
  const nonce = "r=abcdefgh12345678";
  assert.equal(readClientFirst(`y,,n=a=2Cb=3Dc,${nonce}`)?.login, "a,b=c");
  assert.equal(readClientFirst(`n,a=ann,n=ann,${nonce}`)?.login, "ann");
  for (const wrong of [
    `n,a=eve,n=ann,${nonce}`,
    `p=tls-unique,,n=ann,${nonce}`,
    `n,,m=x,n=ann,${nonce}`,
    `n,,n=a=2cb,${nonce}`,
    "n,,n=ann,r=short",
    "n,,n=,r=abcdefgh12345678",
    "n,,",
  ])
    assert.equal(readClientFirst(wrong), null, wrong);
});

test("no text at all breaks the reader", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      readClientFirst(text);
      readClientFirst(`n,,n=${text}`);
    }),
  );
});
