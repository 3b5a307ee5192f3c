import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";

import fc from "fast-check";

import { Failure } from "#base/error.ts";

import { keysOf } from "../smtp/scram.ts";
import { PasswordFile, loadPasswords, parsePasswords } from "./password-file.ts";
import { parseHash } from "./password-hash.ts";

const key = Buffer.alloc(32, 1).toString("base64");
const scram = `SCRAM-SHA-256$4096:${Buffer.alloc(16).toString("base64")}$${key}:${key}`;
const argon = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA";

test("logins are read with either line end, and what is empty or begins with # is none", () => {
  const text = `# people\r\n\r\nann:${scram}\r\nbob@example.org:${argon}\n`;
  assert.deepEqual([...parsePasswords(text, "file").keys()], ["ann", "bob@example.org"]);
});

test("a file of any text is read or refused by its line, without a word of what it holds", () => {
  const part = fc.constantFrom(
    "ann",
    "bob",
    ":",
    scram,
    argon,
    "\r\n",
    "\n",
    "#",
    "\0",
    "__proto__",
    "$",
    "é",
  );
  const text = fc.oneof(
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 80 }),
  );
  fc.assert(
    fc.property(text, (file) => {
      try {
        const logins = parsePasswords(file, "file");
        for (const login of logins.keys()) assert.ok(login !== "" && !/[:\n]/.test(login));
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
        assert.match(
          error.message,
          /^file line \d+: no login with an argon2id or SCRAM-SHA-256 hash, or twice$/,
        );
      }
    }),
  );
});

test("a hash cut at any place, or with any byte changed, is none or one that can be computed", () => {
  for (const hash of [scram, argon]) {
    for (let at = 0; at < hash.length; at++) {
      for (const other of [hash.slice(0, at), `${hash.slice(0, at)}9${hash.slice(at + 1)}`]) {
        const parsed = parseHash(other);
        if (parsed === null) continue;
        if ("storedKey" in parsed) {
          assert.equal(parsed.storedKey.length, 32);
          assert.ok(parsed.iterations >= 4096 && parsed.iterations <= 1_000_000 && parsed.salt.length >= 6);
        } else {
          assert.ok(parsed.memory >= 8 * parsed.parallelism && parsed.memory <= 262_144);
          assert.ok(parsed.nonce.length >= 8 && parsed.expected.length >= 4);
        }
      }
    }
  }
});

test("a password is right for its own login only, and a crowd of logins is told that nobody knows", async () => {
  const salt = Buffer.alloc(16);
  const kept = keysOf(pbkdf2Sync("secret", salt, 4096, 32, "sha256"));
  const file = new PasswordFile(
    new Map([
      ["ann", { iterations: 4096, salt, ...kept }],
      ["bob", { iterations: 4096, salt, ...kept, storedKey: Buffer.alloc(32) }],
    ]),
  );
  assert.equal(await file.verify("ann", "secret"), "right");
  assert.equal(await file.verify("ann", "Secret"), "wrong");
  assert.equal(await file.verify("bob", "secret"), "wrong");
  assert.equal(await file.verify("nobody", "secret"), "wrong");
  const crowd = await Promise.all(Array.from({ length: 100 }, () => file.verify("ann", "secret")));
  const count = (answer: string): number => crowd.filter((each) => each === answer).length;
  assert.deepEqual([count("right"), count("unknown")], [68, 32], "four at once, and 64 that wait");
  assert.equal(await file.verify("ann", "secret"), "right", "their places are free again");
});

test("a file that cannot be read is named", () =>
  assert.rejects(loadPasswords("/nowhere/passwords"), {
    code: "credentials-unusable",
    message: /^cannot read \/nowhere\/passwords: /,
  }));
