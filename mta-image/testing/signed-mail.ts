/** Keys, mail and the DNS records that vouch for it, for tests of authentication. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";

import { type SigningKey, readSigningKey } from "#mta/authentication/key.ts";
import type { FakeZone } from "./fake-resolver.ts";

export const someMail = Buffer.from(
  [
    "From: Ann <ann@example.org>",
    "To: bob@example.net",
    "Subject: A  letter",
    "Date: Wed, 25 Nov 2026 10:00:00 +0000",
    "Message-ID: <1@example.org>",
    "",
    "Hello Bob,",
    ".. two dots  ",
    "",
    "Ann",
    "",
  ].join("\r\n"),
);

export function makeSigningKey(
  type: "rsa" | "ed25519",
  names: { domain?: string; selector?: string } = {},
): SigningKey {
  const { privateKey } =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return readSigningKey({ domain: names.domain ?? "example.org", selector: names.selector ?? type, key });
}

/** The record under which verifiers find the key. */
export function keyZone(key: SigningKey): Record<string, FakeZone> {
  const der = createPublicKey(key.pem).export({ type: "spki", format: "der" });
  const isRsa = key.algorithm.startsWith("rsa");
  // RFC 8463 4: the bare 32 bytes, which are the last of the structure.
  const bytes = isRsa ? der : der.subarray(-32);
  const text = `v=DKIM1; k=${isRsa ? "rsa" : "ed25519"}; p=${bytes.toString("base64")}`;
  return { [`${key.selector}._domainkey.${key.domain}`]: { txt: [text] } };
}
