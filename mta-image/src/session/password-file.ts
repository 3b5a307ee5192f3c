/**
 * Logins and password hashes from a file: one `login:hash` a line (password-hash.ts has the forms); empty lines and #
 * are skipped. A few hashes are computed at a time. A file that cannot be used throws a Failure
 * `credentials-unusable` that names the line and never holds anything of it.
 */
import { readFile } from "node:fs/promises";

import { Failure, describe } from "#base/error.ts";
import { Turnstile } from "#base/turnstile.ts";

import type { Credentials, ScramBook } from "./credentials.ts";
import {
  type PasswordHash,
  isScram,
  keysOfNobody,
  matches,
  nobodysHash,
  parseHash,
} from "./password-hash.ts";

/** One computation holds the hash's memory, often 64 MiB; more at once would be a way to exhaust it. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 64;

export async function loadPasswords(path: string): Promise<Credentials> {
  try {
    return new PasswordFile(parsePasswords(await readFile(path, "utf8"), path));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("credentials-unusable", `cannot read ${path}: ${describe(cause)}`, { cause });
  }
}

export function parsePasswords(text: string, path: string): ReadonlyMap<string, PasswordHash> {
  const hashes = new Map<string, PasswordHash>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hash = parseHash(line.slice(colon + 1));
    const login = line.slice(0, Math.max(colon, 0));
    if (hash === null || login === "" || hashes.has(login)) {
      throw new Failure(
        "credentials-unusable",
        `${path} line ${i + 1}: no login with an argon2id or SCRAM-SHA-256 hash, or twice`,
      );
    }
    hashes.set(login, hash);
  }
  return hashes;
}

export class PasswordFile implements Credentials {
  readonly #hashes: ReadonlyMap<string, PasswordHash>;
  readonly scram: ScramBook | null;
  readonly #computing = new Turnstile(MOST_AT_ONCE);

  constructor(hashes: ReadonlyMap<string, PasswordHash>) {
    this.#hashes = hashes;
    const example = [...hashes.values()].find(isScram);
    this.scram = example === undefined ? null : { keys: (login) => this.#keys(login, example) };
  }

  async verify(login: string, password: string): Promise<"right" | "wrong" | "unknown"> {
    if (this.#computing.waiting >= MOST_WAITING) return "unknown";
    const hash = this.#hashes.get(login);
    try {
      const isRight = await this.#computing.pass(() => matches(hash ?? nobodysHash, password));
      return isRight && hash !== undefined ? "right" : "wrong";
    } catch {
      return "unknown";
    }
  }

  #keys(login: string, example: Parameters<typeof keysOfNobody>[1]): ReturnType<ScramBook["keys"]> {
    const hash = this.#hashes.get(login);
    if (hash !== undefined && isScram(hash)) return { keys: hash, isKnown: true };
    return { keys: keysOfNobody(login, example), isKnown: false };
  }
}
