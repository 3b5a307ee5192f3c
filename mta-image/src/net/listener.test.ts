import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { listen } from "./listener.ts";

const folder = mkdtempSync(join(tmpdir(), "listener-"));
after(() => rmSync(folder, { recursive: true }));

const at = (path: string): ReturnType<typeof listen> =>
  listen({ kind: "unix", path, backlog: 1 }, (socket) => socket.destroy());

test("the socket that a killed process has left is taken away", async () => {
  const path = join(folder, "left.sock");
  const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  assert.equal(spawnSync(process.execPath, ["-e", program]).signal, "SIGKILL");
  assert.ok(lstatSync(path).isSocket());
  const listener = await at(path);
  assert.equal(listener.port, 0);
  await listener.close();
});

test("whatever else stands at the path of a listener stays, and is named with the way out", async () => {
  const [file, link, sub] = ["notes.txt", "link", "folder"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, "mine");
  symlinkSync(file, link);
  mkdirSync(sub);
  for (const path of [file, link, sub])
    await assert.rejects(at(path), {
      code: "listen-failed",
      message: `cannot listen on ${path}: what stands there is no socket: move it away, or listen on another path`,
    });
  assert.equal(readFileSync(link, "utf8"), "mine");
  assert.ok(lstatSync(link).isSymbolicLink() && lstatSync(sub).isDirectory());
});

test("a path that cannot be looked at is a failure to listen", async () => {
  const file = join(folder, "no-folder");
  writeFileSync(file, "");
  await assert.rejects(at(join(file, "a.sock")), {
    code: "listen-failed",
    message: /no-folder\/a\.sock: .*ENOTDIR/,
  });
});
