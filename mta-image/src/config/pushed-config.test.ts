/** A change that cannot be made changes nothing, neither what is in force nor what the next start finds. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { Failure } from "#base/error.ts";
import { silentLog } from "#base/log.ts";

import { ConfigFailure } from "./config-failure.ts";
import type { ConfigPlaces } from "./files.ts";
import { type ConfigChange, LiveConfig } from "./live-config.ts";

const startup = "servers: [{ id: in, listeners: [{ port: 25 }] }]";
const app = "servers: [{ id: in, transport: out }]\ntransportgroups: [{ id: g, transports: [{ id: out }] }]";
const APP = "smtpd-app.yaml";

async function places(t: TestContext): Promise<ConfigPlaces & { readonly pushedFolder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "pushed-config-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "smtpd.yaml"), startup);
  await writeFile(join(folder, APP), app);
  await writeFile(join(folder, "revision"), "files");
  return { startupPath: join(folder, "smtpd.yaml"), pushedFolder: join(folder, "pushed") };
}

async function opened(from: ConfigPlaces): Promise<LiveConfig> {
  const config = await LiveConfig.open(from, silentLog);
  assert.ok(config instanceof LiveConfig);
  return config;
}

const pushed = (config: LiveConfig, revision: string): Promise<ConfigChange> =>
  config.push({ revision, files: { [APP]: app } });
const complaint = (change: ConfigChange): string =>
  change.ok ? "none" : change.problems.map(({ file, reason }) => `${file} ${reason}`).join("\n");

/** In force, and after the next start. */
async function revisions(config: LiveConfig, from: ConfigPlaces): Promise<string[]> {
  return [config.revision, (await opened(from)).revision];
}

test("only files that can be reloaded are pushed, and never without that of the application", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  const push = (files: Record<string, string>): Promise<ConfigChange> =>
    config.push({ revision: "r", files });
  assert.match(complaint(await push({ [APP]: app, "smtpd.yaml": startup })), /^smtpd\.yaml cannot be pushed/);
  assert.equal(complaint(await push({ "smtpd-policy.yaml": "policies: []" })), `${APP} is missing`);
  assert.deepEqual(await revisions(config, from), ["files", "files"]);
});

test("a reload that finds smtpd.yaml changed or gone says so", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  await writeFile(from.startupPath, startup.replace("25", "26"));
  assert.match(complaint(await config.reload()), /^smtpd\.yaml has changed/);
  await rm(from.startupPath);
  assert.match(complaint(await config.reload()), /^smtpd\.yaml cannot read /);
  await writeFile(from.startupPath, startup);
  assert.ok((await config.reload()).ok);
});

test("what cannot be made ready is neither in force nor kept", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  const problem = { file: "x.pem", path: "tls", reason: "is missing" };
  for (const [error, said] of [
    [new ConfigFailure("config-unusable", [problem]), "x.pem is missing"],
    [new Failure("plugin-unusable", "no such plugin"), `${APP} no such plugin`],
  ] as const) {
    config.onChange(async () => {
      throw error;
    });
    for (const change of [await pushed(config, "r"), await config.reload(), await config.again()])
      assert.equal(complaint(change), said);
  }
  config.onChange(async () => {
    throw new TypeError("a bug");
  });
  await assert.rejects(pushed(config, "r"), TypeError);
  assert.deepEqual(await revisions(config, from), ["files", "files"]);
});

test("what cannot be kept on disk is not in force", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  let swaps = 0;
  config.onChange(async () => () => void swaps++);
  await writeFile(from.pushedFolder, "no folder");
  assert.match(complaint(await pushed(config, "r")), /could not be kept in /);
  assert.deepEqual([swaps, ...(await revisions(config, from))], [0, "files", "files"]);
});

test("changes follow each other, whatever becomes of the one before: the last is in force and on disk", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  const steps: string[] = [];
  const waiting: (() => void)[] = [];
  config.onChange(async () => {
    const nth = waiting.length;
    steps.push(`${nth} begins`);
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (nth === 1) throw new Error("a bug");
    return () => void steps.push(`${nth} is in force`);
  });
  const changes = ["r0", "r1", "r2"].map((revision) => pushed(config, revision));
  const results = Promise.allSettled(changes);
  for (const change of changes) {
    while (waiting.length <= changes.indexOf(change)) await new Promise(setImmediate);
    waiting[changes.indexOf(change)]?.();
  }
  assert.deepEqual(
    (await results).map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(steps, ["0 begins", "0 is in force", "1 begins", "2 begins", "2 is in force"]);
  assert.deepEqual(await revisions(config, from), ["r2", "r2"]);
});

test("what was pushed and cannot be used any more leaves it to the files", async (t) => {
  const from = await places(t);
  await mkdir(from.pushedFolder);
  for (const text of [
    "{",
    "null",
    '{"app":1,"revision":"r"}',
    JSON.stringify({ app, revision: 3 }),
    JSON.stringify({ app: "servers: 3", revision: "r" }),
  ]) {
    await writeFile(join(from.pushedFolder, "pushed.json"), text);
    assert.equal((await opened(from)).revision, "files", text);
  }
  await writeFile(join(from.pushedFolder, "pushed.json"), JSON.stringify({ app, revision: "r" }));
  assert.equal((await opened(from)).revision, "r");
});

test("a start with mistakes has no revision, until a push without any is in force", async (t) => {
  const from = await places(t);
  const config = await opened(from);
  config.startBroken([{ file: APP, path: "", reason: "is broken" }]);
  assert.equal(config.revision, "");
  assert.ok((await pushed(config, "r")).ok);
  assert.deepEqual([config.revision, config.problems], ["r", []]);
});

test("an engine that keeps nothing has what is pushed in force until it ends", async (t) => {
  const from = { ...(await places(t)), pushedFolder: null };
  const config = await opened(from);
  assert.ok((await pushed(config, "r")).ok);
  assert.deepEqual(await revisions(config, from), ["r", "files"]);
});
