/**
 * Hashes of passwords in the PHC string form of Argon2id, with the memory and passes that OWASP names as the least.
 * A hash of more than 256 MiB or 10 passes is refused, so that a file of users cannot bring the server down.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(argon2);

const MEMORY_KIB = 19_456;
const PASSES = 2;
const FORM =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

interface Hash {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

/** Null for what is no such hash. */
export function parseHash(text: string): Hash | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const [memory = 0, passes = 0, parallelism = 0] = match.slice(1, 4).map(Number);
  if (passes < 1 || passes > 10 || parallelism < 1 || parallelism > 16) return null;
  if (memory < 8 * parallelism || memory > 262_144) return null;
  return { memory, passes, parallelism, nonce: bytes(match[4]), tag: bytes(match[5]) };
}

export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await tagOf(password, {
    memory: MEMORY_KIB,
    passes: PASSES,
    parallelism: 1,
    nonce,
    tag: Buffer.alloc(32),
  });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=1$${text(nonce)}$${text(tag)}`;
}

export async function isPassword(password: string, hash: Hash): Promise<boolean> {
  return timingSafeEqual(await tagOf(password, hash), hash.tag);
}

async function tagOf(password: string, { memory, passes, parallelism, nonce, tag }: Hash): Promise<Buffer> {
  const parameters = { message: password, nonce, parallelism, tagLength: tag.length, memory, passes };
  return Buffer.from(await derive("argon2id", parameters));
}

function bytes(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? "", "base64");
}

function text(data: Buffer): string {
  return data.toString("base64").replace(/=+$/, "");
}
