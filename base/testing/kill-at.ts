/**
 * Loaded before a program (`node --import`), it ends that program like kill -9 at the n-th step of what it does to disk:
 * before and after each call that changes a file or a folder, in the midst of each text that is written, and before and
 * after each statement of SQLite. n comes from KILL_AT; without it nothing is killed. A file that gets its name before its
 * bytes are synced ends the program with 70, since a machine that stops then leaves a name without bytes.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

let left = Number(process.env["KILL_AT"] ?? "Infinity");
/** Paths whose bytes a machine that stops would lose. */
const unsynced = new Set<string>();
const paths = new WeakMap<object, string>();

function step(): void {
  if (left-- === 0) process.kill(process.pid, "SIGKILL");
}

type Call = (this: object, ...args: unknown[]) => unknown;

function wrap(
  owner: object,
  name: string,
  note: (self: object, args: unknown[], result: unknown) => void,
): void {
  const calls = owner as Record<string, Call>;
  const original = calls[name] as Call;
  calls[name] = function (this: object, ...args) {
    step();
    const result = original.apply(this, args);
    const end = (value: unknown): unknown => {
      note(this, args, value);
      step();
      return value;
    };
    return result instanceof Promise ? result.then(end) : end(result);
  };
}

const nothing = (): void => undefined;
for (const name of ["mkdir", "rm", "unlink", "truncate"]) wrap(fs, name, nothing);
wrap(fs, "open", (_, [path], handle) => void paths.set(handle as object, String(path)));
for (const name of ["writeFile", "appendFile"])
  wrap(fs, name, (_, [path]) => void unsynced.add(String(path)));
wrap(fs, "rename", (_, [from]) => {
  if (unsynced.has(String(from))) process.exit(70);
});

const probe = await fs.open("/dev/null");
const handle = Object.getPrototypeOf(probe) as Record<string, Call>;
await probe.close();
const writeWhole = handle["writeFile"] as Call;
handle["writeFile"] = async function (this: object, text) {
  const bytes = Buffer.from(text as string);
  await writeWhole.call(this, bytes.subarray(0, bytes.length / 2));
  step();
  await writeWhole.call(this, bytes.subarray(bytes.length / 2));
};
for (const name of ["write", "writev", "writeFile", "appendFile", "truncate"])
  wrap(handle, name, (self) => void unsynced.add(paths.get(self) ?? ""));
for (const name of ["sync", "datasync"])
  wrap(handle, name, (self) => void unsynced.delete(paths.get(self) ?? ""));
wrap(handle, "close", nothing);
wrap(DatabaseSync.prototype, "exec", nothing);
wrap(StatementSync.prototype, "run", nothing);
syncBuiltinESMExports();
