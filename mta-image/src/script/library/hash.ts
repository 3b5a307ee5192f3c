/** Digests. Results are lower-case hexadecimal, or the raw bytes with the option `binary`. */
import { createHash, createHmac } from "node:crypto";

import { Refusal } from "../error.ts";
import type { HslArray } from "../value.ts";
import { truthy } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";

const { string, number, array } = parameter;
const options = optional(array("options"));

export const hashFunctions: readonly HostFunction[] = [
  ...(["md5", "sha1"] as const).flatMap((algorithm) => [
    declare({
      name: algorithm,
      parameters: [string("message"), options],
      returns: "string",
      docs: `The ${algorithm.toUpperCase()} digest. Option \`binary\`: raw bytes.`,
      run: (_, message, how) => written(createHash(algorithm).update(bytes(message)), how),
    }),
    declare({
      name: `hmac_${algorithm}`,
      parameters: [string("key"), string("message"), options],
      returns: "string",
      docs: `The ${algorithm.toUpperCase()} digest keyed as in RFC 2104. Option \`binary\`: raw bytes.`,
      run: (_, key, message, how) => written(createHmac(algorithm, bytes(key)).update(bytes(message)), how),
    }),
  ]),
  declare({
    name: "sha2",
    parameters: [string("message"), number("hashsize"), options],
    returns: "string",
    docs: "The SHA-2 digest of 256, 384 or 512 bits. Option `binary`: raw bytes.",
    run: (_, message, size, how) => written(createHash(sha2(size)).update(bytes(message)), how),
  }),
  declare({
    name: "hmac_sha2",
    parameters: [string("key"), string("message"), number("hashsize"), options],
    returns: "string",
    docs: "The SHA-2 digest keyed as in RFC 2104. Option `binary`: raw bytes.",
    run: (_, key, message, size, how) =>
      written(createHmac(sha2(size), bytes(key)).update(bytes(message)), how),
  }),
  declare({
    name: "hash",
    parameters: [string("message")],
    returns: "number",
    docs: "A number from 0 to 4294967295 made of the message (FNV-1a), to spread things evenly; no secret is safe in it.",
    run: (_, message) => fnv(message),
  }),
];

export function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function written(digest: { digest(): Buffer }, how: HslArray | undefined): string {
  return digest.digest().toString(truthy(how?.get("binary") ?? null) ? "latin1" : "hex");
}

function sha2(size: number): string {
  if (size !== 224 && size !== 256 && size !== 384 && size !== 512)
    throw new Refusal("SHA-2 has 256, 384 or 512 bits");
  return `sha${size}`;
}

function fnv(message: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < message.length; at++) hash = Math.imul(hash ^ message.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
