/** What becomes of files that a configuration names for its scripts. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { AppConfig } from "#contract/app-config.ts";

import { compileWhatCanOf } from "./script-config.ts";

async function reasons(path: string): Promise<readonly string[]> {
  const files = [{ id: "list.txt", path }];
  const config = AppConfig.parse({
    servers: [{ id: "in", transport: "default" }],
    transportgroups: [{ id: "default", transports: [{ id: "default" }] }],
    scripting: { files },
  });
  const { problems } = await compileWhatCanOf(config, {});
  return problems.map((problem) => `${problem.path}: ${problem.reason}`);
}

test("files of scripts that are sockets, folders and pipes are told of, and nobody waits for them", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "script-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [plain, socket, pipe] = ["plain", "socket", "pipe"].map((name) => join(folder, name));
  writeFileSync(plain as string, "text");
  assert.deepEqual(await reasons(plain as string), []);
  const server = createServer().listen(socket);
  t.after(() => server.close());
  await new Promise((done) => server.once("listening", done));
  execFileSync("mkfifo", [pipe as string]);
  for (const path of [folder, socket, pipe] as string[])
    assert.deepEqual(await reasons(path), [`scripting.files[0].path: ${path} is no regular file`]);
});
