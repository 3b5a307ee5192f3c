/**
 * Ciphers, signatures and secret chance, all by OpenSSL through node:crypto. Keys are PEM, or DER as bytes (with or
 * without Base64); what cannot be read or verified is none, never an error that names a key.
 */
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  randomBytes,
  randomInt,
  sign,
  verify,
} from "node:crypto";

import type { RunContext } from "../context.ts";
import { Refusal } from "../error.ts";
import { type HslArray, type Value, HostObject } from "../value.ts";
import { toText, truthy } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import type { KeyPort } from "../ports.ts";
import { bytes } from "./hash.ts";
import { anyKey, key, keyText, kinds, privateKey, readPrivate, readPublic } from "./keys.ts";
import { KEY_STEPS } from "../limits.ts";
import { meter } from "../meter.ts";
import { roundsOf, shaCrypt } from "./sha-crypt.ts";
import { flag, option } from "./subjects.ts";

const { string, any, array, number } = parameter;
const options = optional(array("options"));

export const cryptoFunctions: readonly HostFunction[] = [
  ...(["rsa", "ec", "ed25519"] as const).flatMap((kind) => [
    declare({
      name: `${kind}_privatekey`,
      parameters: [string("privatekey")],
      returns: `${kinds[kind].name} or none`,
      docs: "The private key as a value; none when the text is no such key.",
      run: (_, text): Value => {
        const read = readPrivate(kind, text);
        return read === null ? null : privateKey(kind, read);
      },
    }),
    declare({
      name: `is_${kind}_privatekey`,
      parameters: [any("privatekey")],
      returns: "boolean",
      docs: `Whether the value is a ${kinds[kind].name}.`,
      run: (_, value) => value instanceof HostObject && value.cls === kinds[kind],
    }),
  ]),
  declare({
    name: "rsa_sign",
    parameters: [string("message"), anyKey, options],
    returns: "string or none",
    docs: "Signature by PKCS#1 v1.5; none when the key is none for RSA. Options: `hash` (md5, sha1, sha256, which is the default, sha384, sha512; rsa- may stand before it), `id` (the key is a name of the configuration, as it is in any case with pki: before it). Keys are PEM or DER, whatever `pem` and `format` say.",
    run: (context, message, given, how) => {
      meter.charge(KEY_STEPS);
      const read = signingKey(context, given, how);
      return read === null ? null : sign(digestOf(how), bytes(message), read).toString("latin1");
    },
  }),
  declare({
    name: "rsa_verify",
    parameters: [string("message"), string("signature"), string("publickey"), options],
    returns: "boolean or none",
    docs: "Whether the signature fits; none when the key cannot be read. Options as for rsa_sign.",
    run: (context, message, signature, publicKey, how) => {
      const find = (keys: KeyPort, id: string): string | null =>
        keys.certificate?.(id) ?? keys.privateKey(id);
      const text = keyText(context, publicKey, { isName: flag(how, "id"), find });
      const read = text === null ? null : readPublic("rsa", text);
      return read === null ? null : verify(digestOf(how), bytes(message), read, bytes(signature));
    },
  }),
  declare({
    name: "ed25519_sign",
    parameters: [string("message"), key("ed25519")],
    returns: "string or none",
    docs: "Signature by Ed25519; the key may also be its 32 bytes.",
    run: (_, message, privateKey) => {
      meter.charge(KEY_STEPS);
      return privateKey === null ? null : sign(null, bytes(message), privateKey).toString("latin1");
    },
  }),
  declare({
    name: "ed25519_verify",
    parameters: [string("message"), string("signature"), string("publickey")],
    returns: "boolean or none",
    docs: "Whether the signature fits; none when the key cannot be read. The key may be its 32 bytes.",
    run: (_, message, signature, publicKey) => {
      const read = readPublic("ed25519", publicKey);
      return read === null ? null : verify(null, bytes(message), read, bytes(signature));
    },
  }),
  declare({
    name: "aes_encrypt",
    parameters: [string("message"), string("key"), string("mode"), options],
    returns: "string or none",
    docs: "Mode ecb, cbc or ctr; options `iv` (16 bytes), `padding` (default true). None when sizes do not fit.",
    run: (_, message, secret, mode, how) => aes(createCipheriv, message, secret, mode, how),
  }),
  declare({
    name: "aes_decrypt",
    parameters: [string("message"), string("key"), string("mode"), options],
    returns: "string or none",
    docs: "The reverse of aes_encrypt; none when it cannot be.",
    run: (_, message, secret, mode, how) => aes(createDecipheriv, message, secret, mode, how),
  }),
  declare({
    name: "crypt",
    parameters: [string("key"), string("salt")],
    returns: "string or none",
    docs: "The hash of a password as crypt(3) makes it; the salt is a hash to compare with, or $5$salt$ or $6$salt$, with up to 100,000 rounds. None for other kinds.",
    run: (_, secret, salt) => {
      const rounds = roundsOf(salt);
      if (rounds === null) return null;
      meter.charge(rounds * STEPS_A_ROUND);
      return shaCrypt(secret, salt);
    },
  }),
  declare({
    name: "random_bytes",
    parameters: [number("bytes")],
    returns: "string",
    docs: "Secret chance, up to 1 MiB.",
    run: (_, count) => {
      if (!(count >= 0 && count <= 1024 * 1024)) throw new Refusal("random_bytes() gives up to 1 MiB");
      return randomBytes(Math.trunc(count)).toString("latin1");
    },
  }),
  declare({
    name: "random_number",
    parameters: [optional(number("first")), optional(number("last"))],
    returns: "number",
    docs: "A whole number from first to last, both included; without them a fraction from 0 to 1. With one, from 0 to it.",
    run: ({ random }, first, last) => {
      if (first === undefined) return random();
      const [low, high] = last === undefined ? [0, first] : [first, last];
      return randomBetween(Math.ceil(low), Math.floor(high));
    },
  }),
];

/** Of crypt(), which is dear by intent: some 1.5 µs. */
const STEPS_A_ROUND = 375;

const MAX_RANDOM = 2 ** 48 - 1;

export function randomBetween(low: number, high: number): number {
  if (!(high >= low && high - low < MAX_RANDOM && Number.isSafeInteger(low)))
    throw new Refusal("random_number() wants first ≤ last");
  return low + randomInt(high - low + 1);
}

function signingKey(
  context: RunContext,
  given: KeyObject | string,
  how: HslArray | undefined,
): KeyObject | null {
  if (typeof given !== "string") return given.asymmetricKeyType === "rsa" ? given : null;
  const find = (keys: KeyPort, id: string): string | null => keys.privateKey(id);
  const text = keyText(context, given, { isName: flag(how, "id"), find });
  return text === null ? null : readPrivate("rsa", text);
}

function digestOf(how: HslArray | undefined): string {
  const name = toText(option(how, "hash") ?? "rsa-sha256")
    .toLowerCase()
    .replace(/^rsa-/, "");
  if (!["md5", "sha1", "sha256", "sha384", "sha512"].includes(name))
    throw new Refusal(`there is no hash ${name} for RSA`);
  return name;
}

function aes(
  make: typeof createCipheriv | typeof createDecipheriv,
  message: string,
  secret: string,
  mode: string,
  how: HslArray | undefined,
): string | null {
  const name = mode.toLowerCase().replace(/^aes-\d+-/, "");
  if (!["ecb", "cbc", "ctr", "cfb", "ofb"].includes(name)) return null;
  const iv = option(how, "iv");
  try {
    const cipher = make(
      `aes-${secret.length * 8}-${name}`,
      bytes(secret),
      name === "ecb" ? null : bytes(toText(iv)),
    );
    if (option(how, "padding") !== null) cipher.setAutoPadding(truthy(option(how, "padding")));
    return Buffer.concat([cipher.update(bytes(message)), cipher.final()]).toString("latin1");
  } catch {
    return null;
  }
}
