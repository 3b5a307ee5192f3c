/**
 * Hashes of passwords in the PHC string form of Argon2id, with the memory and passes that OWASP names as the least.
 * A hash of more than 256 MiB or 10 passes is refused, so that a file of users cannot bring the server down.
 */
import { type Argon2Hash, fitsArgon2, makeArgon2, parseArgon2 } from "#base/argon2.ts";

const LEAST = { memory: 19_456, passes: 2, parallelism: 1 };

/** Null for what is no such hash. */
export function parseHash(text: string): Argon2Hash | null {
  const hash = parseArgon2(text);
  return hash === null || hash.passes > 10 || hash.parallelism > 16 ? null : hash;
}

export function hashPassword(password: string): Promise<string> {
  return makeArgon2(password, LEAST);
}

export function isPassword(password: string, hash: Argon2Hash): Promise<boolean> {
  return fitsArgon2(hash, password);
}
