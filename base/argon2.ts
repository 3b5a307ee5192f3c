/**
 * Passwords as Argon2id in the PHC string form, `$argon2id$v=19$m=65536,t=3,p=4$salt$hash` (RFC 9106). The work is done
 * on Node's thread pool. A hash of more than 256 MiB is none, so that a file of them cannot bring a program down; who
 * wants it narrower looks at the numbers.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export interface Argon2Terms {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

export interface Argon2Hash extends Argon2Terms {
  readonly nonce: Buffer;
  readonly expected: Buffer;
}

const derive = promisify(argon2);
const FORM =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const MAX_MEMORY_KIB = 262_144;

/** Null for what is no such hash, or could not be computed in reason. */
export function parseArgon2(text: string): Argon2Hash | null {
  const [, memory = "", passes = "", parallelism = "", salt = "", hash = ""] = FORM.exec(text) ?? [];
  const terms = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const isSound = terms.passes > 0 && terms.parallelism > 0 && terms.memory >= 8 * terms.parallelism;
  if (!isSound || terms.memory > MAX_MEMORY_KIB) return null;
  return { ...terms, nonce: Buffer.from(salt, "base64"), expected: Buffer.from(hash, "base64") };
}

export async function fitsArgon2(
  { nonce, expected, ...terms }: Argon2Hash,
  password: string,
): Promise<boolean> {
  return timingSafeEqual(await compute(password, { ...terms, nonce, tagLength: expected.length }), expected);
}

/** A new hash, with a salt of its own. */
export async function makeArgon2(password: string, terms: Argon2Terms): Promise<string> {
  const nonce = randomBytes(16);
  const hash = await compute(password, { ...terms, nonce, tagLength: 32 });
  const { memory, passes, parallelism } = terms;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(hash)}`;
}

function compute(
  password: string,
  terms: Argon2Terms & { readonly nonce: Buffer; readonly tagLength: number },
): Promise<Buffer> {
  return derive("argon2id", { ...terms, message: Buffer.from(password, "utf8") });
}

function unpadded(data: Buffer): string {
  return data.toString("base64").replace(/=+$/, "");
}
