/** Bundled programs read late what they would otherwise have read at their start, and find it where no checkout is. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { buildSockets } from "../mta-image/testing/batched-sockets.ts";
import { writeConfig } from "../mta-image/testing/harness.ts";
import { bundle } from "./bundle.ts";
import { root } from "./tree.ts";

const run = promisify(execFile);
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
  await bundle(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

test("scripts find public suffixes, character sets and patterns in a bundle", async () => {
  const script = join(folder, "late.hsl");
  await writeFile(
    script,
    `echo domain_publicsuffix("www.example.co.uk");
     echo Iconv("iso-8859-1", "utf-8")->convert("caf\\xe9");
     echo "abc" =~ "b(.)";\n`,
  );
  const { stdout } = await run(process.execPath, [join(folder, "hsh.mjs"), script], { cwd: folder });
  assert.deepEqual(stdout.trim().split("\n"), ["co.uk", "café", "true"]);
});

test("a program that only says what it is reads no parts of Node that nothing asked for", async () => {
  const list = join(folder, "list.cjs");
  await writeFile(list, `process.on("exit", () => console.log(process.moduleLoadList.join(" ")));`);
  const { stdout } = await run(process.execPath, ["--require", list, join(folder, "smtpd.mjs"), "--version"]);
  assert.match(stdout, /^smtpd \d/);
  assert.match(stdout, /NativeModule _http_server /);
  assert.doesNotMatch(stdout, /NativeModule internal\/deps\/undici/);
});

/** What a bundled engine says when it has started. */
async function started(place: string): Promise<Record<string, unknown>> {
  writeConfig(place, { server: "127.0.0.1:1" });
  const engine = spawn(process.execPath, [join(folder, "smtpd.mjs"), "-c", join(place, "smtpd.yaml")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    for await (const line of createInterface({ input: engine.stdout })) {
      const said = JSON.parse(line) as Record<string, unknown>;
      if (said["msg"] === "started") return said;
    }
    throw new Error("it ended before it had started");
  } finally {
    engine.kill();
    if (engine.exitCode === null) await once(engine, "close");
  }
}

test("a bundled engine reads sockets in turns where the addon lies beside it, and says so", async () => {
  assert.equal((await started(join(folder, "without")))["sockets"], "node");
  buildSockets();
  await copyFile(`${root}build/native/sockets.node`, join(folder, "sockets.node"));
  assert.equal((await started(join(folder, "with")))["sockets"], "in-turns");
});
