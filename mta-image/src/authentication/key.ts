/**
 * A key that signs mail, read and judged once. `readSigningKey` throws a Failure of code `signing-key` with a reason
 * that names no part of the key; afterwards signing fails for reasons of the message only.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";

import { Failure } from "#base/error.ts";

export interface SigningKey {
  /** d=, in A-labels. */
  readonly domain: string;
  /** s=, likewise. */
  readonly selector: string;
  readonly algorithm: "rsa-sha256" | "ed25519-sha256";
  /** PKCS #8, PEM. */
  readonly pem: string;
}

/** RFC 8301 3.2: verifiers must not accept less. */
const LEAST_RSA_BITS = 1024;
const NAME =
  /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** The key is PEM (PKCS #1 or #8), or the 32 bytes of an Ed25519 seed in base64, as RFC 8463 shows them. */
export function readSigningKey(parts: { domain: string; selector: string; key: string }): SigningKey {
  const { domain, selector } = parts;
  if (!NAME.test(domain) || domain.length > 253) throw refused(`"${domain}" is no domain`);
  if (!NAME.test(selector) || selector.length > 190) throw refused(`"${selector}" is no selector`);
  const key = readKey(parts.key.trim());
  const type = key.asymmetricKeyType;
  if (type !== "rsa" && type !== "ed25519") throw refused(`${type} keys cannot sign; RSA and Ed25519 can`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS;
  if (bits < LEAST_RSA_BITS) throw refused(`an RSA key of ${bits} bits is too short`);
  const pem = key.export({ type: "pkcs8", format: "pem" }).toString();
  return { domain, selector, algorithm: `${type}-sha256`, pem };
}

function readKey(text: string): KeyObject {
  try {
    if (text.startsWith("-----")) return createPrivateKey(text);
    const seed = Buffer.from(text, "base64");
    if (seed.length !== 32) throw refused("neither PEM nor the 32 bytes of an Ed25519 key in base64");
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (error) {
    throw error instanceof Failure ? error : refused("the private key cannot be read");
  }
}

function refused(reason: string): Failure {
  return new Failure("signing-key", reason, { transient: false });
}
