/** DKIM with a library of others on the other side (mailauth): what one signs the other verifies. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";

import { checkSignature, readSignature } from "./check.ts";
import { signPart } from "./dkim.ts";
import { makeField, prependField } from "./edit.ts";
import { Pieces } from "./pieces.ts";
import { scan } from "./scan.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = generateKeyPairSync("ed25519");
const records: Readonly<Record<string, string>> = {
  rsa: `v=DKIM1; k=rsa; p=${rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64")}`,
  ed25519: `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64")}`,
};
const message = [
  "From: a@example.com",
  "To: b@example.org,\r\n\tc@example.org",
  "Subject:  two   spaces  ",
  "Subject: twice",
  "X-Other: x",
  "",
  " leading \t white  space ",
  "",
  "trailing \t",
  "",
  "",
  "",
].join("\r\n");

for (const [selector, { privateKey }, canonical] of [
  ["rsa", rsa, "relaxed"],
  ["ed25519", ed25519, "simple"],
] as const) {
  test(`what a script signs by ${selector} is verified by others`, async () => {
    const part = await scan(Pieces.of(message));
    const value = await signPart(part, {
      selector,
      domain: "example.com",
      key: privateKey,
      digest: "sha256",
      canonical: { header: canonical, body: canonical },
      signedAt: 1_700_000_000,
      expiration: null,
      identity: null,
      headers: null,
      oversigned: ["from", "x-none"],
      additional: ["x-other"],
      bodyLength: false,
      arc: null,
    });
    prependField(part, makeField("DKIM-Signature", value, false));
    const signed = await part.all().bytes();
    const { results } = (await dkimVerify(signed, {
      resolver: async () => [[records[selector]]],
    } as never)) as unknown as { results: { status: { result: string; comment?: string } }[] };
    assert.deepEqual(
      results.map(({ status }) => status.result),
      ["pass"],
    );
  });

  for (const canonicalization of ["relaxed/relaxed", "simple/simple", "relaxed/simple"])
    test(`what others sign by ${selector} in the form ${canonicalization} is verified by a script`, async () => {
      const { signatures } = (await dkimSign(message, {
        canonicalization,
        signTime: new Date(1_700_000_000_000),
        signatureData: [
          {
            signingDomain: "example.com",
            selector,
            privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
          },
        ],
      } as never)) as unknown as { signatures: string };
      const part = await scan(Pieces.of(`${signatures.trimEnd()}\r\n${message}`));
      const field = part.fields.find(({ name }) => name === "dkim-signature")?.raw ?? "";
      const signature = readSignature(field, 1_700_000_001);
      assert.ok(!("result" in signature), JSON.stringify(signature));
      assert.deepEqual(await checkSignature(part, signature, records[selector] ?? ""), {
        result: "pass",
        error: null,
      });
      const changed = await scan(Pieces.of((await part.all().text()).replace("twice", "Twice")));
      assert.equal((await checkSignature(changed, signature, records[selector] ?? "")).result, "fail");
    });
}
