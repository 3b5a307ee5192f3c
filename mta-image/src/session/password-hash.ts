/**
 * What is kept in place of a password, in the two forms that a password file may hold, and whether a password fits it.
 * The work is done on Node's thread pool. Nothing of a hash or a password is ever in an error.
 *
 *   $argon2id$v=19$m=65536,t=3,p=4$salt$hash             PHC form
 *   SCRAM-SHA-256$4096:salt$StoredKey:ServerKey          as PostgreSQL and Dovecot keep it; RFC 5803
 */
import { createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

import { type Argon2Hash, fitsArgon2, parseArgon2 } from "#base/argon2.ts";

import { type ScramKeys, keysOf } from "../smtp/scram.ts";

export type PasswordHash = Argon2Hash | ScramKeys;

const derivePbkdf2 = promisify(pbkdf2);
const SCRAM =
  /^SCRAM-SHA-256\$(\d{4,7}):([A-Za-z0-9+/]{8,}={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/;
/** RFC 7677 4 asks for 4096 at least. */
const MIN_ITERATIONS = 4096;
const MAX_ITERATIONS = 1_000_000;

/** Checked for logins that do not exist, so that they take as long as others. */
export const nobodysHash: Argon2Hash = {
  memory: 65_536,
  passes: 3,
  parallelism: 4,
  nonce: randomBytes(16),
  expected: randomBytes(32),
};
const secretOfNobody = randomBytes(32);

export function isScram(hash: PasswordHash): hash is ScramKeys {
  return "storedKey" in hash;
}

/** Null for what is neither form, or could not be computed in reason. */
export function parseHash(text: string): PasswordHash | null {
  return parseArgon2(text) ?? parseScram(text);
}

export async function matches(hash: PasswordHash, password: string): Promise<boolean> {
  if (isScram(hash)) {
    const salted = await derivePbkdf2(password, hash.salt, hash.iterations, 32, "sha256");
    return timingSafeEqual(keysOf(salted).storedKey, hash.storedKey);
  }
  return fitsArgon2(hash, password);
}

/** Keys that nobody has, the same for a login each time and shaped like those of `example`. */
export function keysOfNobody(login: string, example: ScramKeys): ScramKeys {
  const make = (what: string): Buffer =>
    createHmac("sha256", secretOfNobody).update(`${what} ${login}`).digest();
  const salt = make("salt").subarray(0, example.salt.length);
  return { iterations: example.iterations, salt, storedKey: make("stored"), serverKey: make("server") };
}

function parseScram(text: string): ScramKeys | null {
  const [, count = "", salt = "", stored = "", server = ""] = SCRAM.exec(text) ?? [];
  const iterations = Number(count);
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) return null;
  return {
    iterations,
    salt: Buffer.from(salt, "base64"),
    storedKey: Buffer.from(stored, "base64"),
    serverKey: Buffer.from(server, "base64"),
  };
}
