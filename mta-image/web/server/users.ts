/**
 * The users of the file, read again when it changes (a mounted Secret). A file that cannot be read at start throws a
 * Failure; later the last good one stays and a line is logged. Nobody learns whether a name exists: an unknown one takes
 * as long as a wrong password.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { load } from "js-yaml";
import { z } from "zod";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import { Role } from "#web/shared/web-api.ts";

import { hashPassword, isPassword, parseHash } from "./password.ts";
import { invalid } from "./web-config.ts";

const hash = z
  .string()
  .refine((text) => parseHash(text) !== null, "is no argon2id hash; see mailfleet-web hash-password");
const name = z.string().regex(/^[\w.@+-]{1,128}$/, "must be letters, digits and . @ + - _");

/** A password in a file of its own is for a Secret that somebody else makes and guards. */
const UserFile = z.strictObject({
  users: z
    .array(
      z.union([
        z.strictObject({ name, role: Role, password: hash }),
        z.strictObject({ name, role: Role, passwordfile: z.string().min(1).max(4096) }),
      ]),
    )
    .max(10_000),
});
type Entry = z.infer<typeof UserFile>["users"][number];

export interface User {
  readonly name: string;
  readonly role: Role;
  /** Changes with the password, so that a change ends the sessions begun before. */
  readonly stamp: string;
}

interface Kept extends User {
  readonly password: string;
}

export class Users {
  readonly #file: string | null;
  readonly #log: Log;
  #users = new Map<string, Kept>();
  #seen = "";
  #nobody = "";

  private constructor(file: string | null, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  static async open(file: string | null, log: Log): Promise<Users> {
    const users = new Users(file, log);
    users.#nobody = await hashPassword("nobody");
    if (file !== null) await users.#read(file);
    return users;
  }

  /** Null: there is no such user any more. */
  async find(name: string): Promise<User | null> {
    await this.#refresh();
    return this.#users.get(name) ?? null;
  }

  /** Null: name or password are wrong. */
  async check(name: string, password: string): Promise<User | null> {
    await this.#refresh();
    const user = this.#users.get(name);
    const hash = parseHash(user?.password ?? this.#nobody);
    const isRight = hash !== null && (await isPassword(password, hash));
    return isRight && user !== undefined ? user : null;
  }

  async #refresh(): Promise<void> {
    if (this.#file === null) return;
    try {
      if ((await markOf(this.#file)) !== this.#seen) await this.#read(this.#file);
    } catch (error) {
      this.#log.warn({ error: describe(error) }, "users-file-unusable");
    }
  }

  async #read(file: string): Promise<void> {
    const seen = await markOf(file).catch((cause: unknown) => {
      throw invalid(file, describe(cause));
    });
    const parsed = UserFile.safeParse(load(await readFile(file, "utf8")));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw invalid(file, `${issue?.path.join(".")}: ${issue?.message}`);
    }
    const users = await Promise.all(parsed.data.users.map((entry) => keptOf(file, entry)));
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#seen = seen;
  }
}

async function keptOf(file: string, entry: Entry): Promise<Kept> {
  const { name, role } = entry;
  if ("password" in entry) return { name, role, password: entry.password, stamp: stampOf(entry.password) };
  const plain = await readFile(entry.passwordfile, "utf8").catch((cause: unknown) => {
    throw invalid(file, describe(cause));
  });
  if (plain.trim() === "") throw invalid(file, `${entry.passwordfile} holds no password`);
  return { name, role, password: await hashPassword(plain.trim()), stamp: stampOf(plain.trim()) };
}

async function markOf(file: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(file);
  return `${mtimeMs} ${size} ${ino}`;
}

function stampOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url").slice(0, 12);
}
