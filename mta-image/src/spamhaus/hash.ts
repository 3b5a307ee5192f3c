/** The hash of HBL (pure): SHA-256 in base32 (RFC 4648 6) without padding, always 52 characters. */
import { hash } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function hashOf(data: string | Buffer): string {
  return base32(hash("sha256", data, "buffer"));
}

/** The older form, which HBL takes for addresses, URLs and wallets too. */
export function oldHashOf(data: string): string {
  return hash("sha1", data, "hex");
}

export function base32(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31];
  }
  if (bits > 0) text += ALPHABET[(value << (5 - bits)) & 31];
  return text;
}
