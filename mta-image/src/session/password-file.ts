/**
 * Logins and password hashes from a file: one `login:hash` a line, hashes in PHC form, argon2id as
 * `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`; empty lines and # are skipped. The work is done on Node's thread pool,
 * a few at a time. A file that cannot be used throws a Failure `credentials-unusable` that names the line and never
 * holds anything of it.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { Failure, describe } from "#base/error.ts";

import type { Credentials } from "./credentials.ts";

export interface Hash {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly nonce: Buffer;
  readonly expected: Buffer;
}

const derive = promisify(argon2);
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
/** One computation holds the hash's memory, often 64 MiB; more at once would be a way to exhaust it. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 64;
const MAX_MEMORY_KIB = 262_144;
/** Checked for logins that do not exist, so that they take as long as others. */
const nobody: Hash = {
  memory: 65_536,
  passes: 3,
  parallelism: 4,
  nonce: randomBytes(16),
  expected: randomBytes(32),
};

export async function loadPasswords(path: string): Promise<Credentials> {
  try {
    return new PasswordFile(parsePasswords(await readFile(path, "utf8"), path));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("credentials-unusable", `cannot read ${path}: ${describe(cause)}`, { cause });
  }
}

export function parsePasswords(text: string, path: string): ReadonlyMap<string, Hash> {
  const hashes = new Map<string, Hash>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hash = parseHash(line.slice(colon + 1));
    const login = line.slice(0, Math.max(colon, 0));
    if (hash === null || login === "" || hashes.has(login)) {
      throw new Failure(
        "credentials-unusable",
        `${path} line ${i + 1}: no login with an argon2id hash, or twice`,
      );
    }
    hashes.set(login, hash);
  }
  return hashes;
}

function parseHash(text: string): Hash | null {
  const [, memory = "", passes = "", parallelism = "", salt = "", hash = ""] = PHC.exec(text) ?? [];
  const numbers = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const isSound = numbers.passes > 0 && numbers.parallelism > 0 && numbers.memory >= 8 * numbers.parallelism;
  if (!isSound || numbers.memory > MAX_MEMORY_KIB) return null;
  return { ...numbers, nonce: Buffer.from(salt, "base64"), expected: Buffer.from(hash, "base64") };
}

export class PasswordFile implements Credentials {
  readonly #hashes: ReadonlyMap<string, Hash>;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(hashes: ReadonlyMap<string, Hash>) {
    this.#hashes = hashes;
  }

  async verify(login: string, password: string): Promise<"right" | "wrong" | "unknown"> {
    const hash = this.#hashes.get(login);
    if (this.#running >= MOST_AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING) return "unknown";
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      const isRight = await matches(hash ?? nobody, password);
      return isRight && hash !== undefined ? "right" : "wrong";
    } catch {
      return "unknown";
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

async function matches(hash: Hash, password: string): Promise<boolean> {
  const { memory, passes, parallelism, nonce, expected } = hash;
  const message = Buffer.from(password, "utf8");
  const made = await derive("argon2id", {
    message,
    nonce,
    memory,
    passes,
    parallelism,
    tagLength: expected.length,
  });
  return timingSafeEqual(made, expected);
}
