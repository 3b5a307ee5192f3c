import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "plugin-copy-"));
const program = join(folder, "plugin-copy");
execFileSync("cc", [
  "-static",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-o",
  program,
  join(import.meta.dirname, "plugin-copy.c"),
]);
after(() => rmSync(folder, { recursive: true }));

describe("plugin-copy", () => {
  it("copies itself as a program", () => {
    const copy = join(folder, "copy");
    assert.equal(spawnSync(program, [program, copy]).status, 0);
    assert.deepEqual(readFileSync(copy), readFileSync(program));
    assert.equal(statSync(copy).mode & 0o111, statSync(program).mode & 0o111);
  });

  it("copies a tree with its links, even into itself", () => {
    const root = join(folder, "root");
    mkdirSync(join(root, "lib"), { recursive: true });
    writeFileSync(join(root, "lib/warmup.so"), "plugin");
    symlinkSync("warmup.so", join(root, "lib/link.so"));
    const target = join(root, "target");
    mkdirSync(target);
    assert.equal(spawnSync(program, [root, target]).status, 0);
    assert.equal(readFileSync(join(target, "lib/warmup.so"), "utf8"), "plugin");
    assert.equal(readlinkSync(join(target, "lib/link.so")), "warmup.so");
    assert.throws(() => statSync(join(target, "target")));
  });

  const isMounted = statSync("/dev").dev !== statSync("/dev/shm").dev;
  it("stays on the file system of the source", { skip: !isMounted }, () => {
    const elsewhere = mkdtempSync("/dev/shm/plugin-copy-");
    const target = join(folder, "rest");
    mkdirSync(target);
    assert.equal(spawnSync(program, ["/dev", target]).status, 0);
    rmSync(elsewhere, { recursive: true });
    assert.ok(statSync(join(target, "fd"), { throwIfNoEntry: false }) !== undefined);
    assert.equal(statSync(join(target, "shm"), { throwIfNoEntry: false }), undefined);
  });

  it("names what is missing and ends with 1", () => {
    const { status, stderr } = spawnSync(program, ["/none", folder], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /plugin-copy: \/none: No such file/);
  });
});
