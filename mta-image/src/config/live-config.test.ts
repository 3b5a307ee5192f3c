import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { Failure } from "#base/error.ts";
import { silentLog } from "#base/log.ts";
import type { ConfigPlaces } from "./files.ts";
import { LiveConfig } from "./live-config.ts";

const startup = "servers: [{ id: in, listeners: [{ port: 25 }] }]";
const app = "servers: [{ id: in, transport: out }]\ntransportgroups: [{ id: g, transports: [{ id: out }] }]";
const policy = "policies: [{ fields: [localip], default: { concurrency: 7 } }]";

async function places(t: TestContext, files: Readonly<Record<string, string>>): Promise<ConfigPlaces> {
  const folder = await mkdtemp(join(tmpdir(), "live-config-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { startupPath: join(folder, "smtpd.yaml"), pushedFolder: join(folder, "pushed") };
}

async function opened(from: ConfigPlaces): Promise<LiveConfig> {
  const config = await LiveConfig.open(from, silentLog);
  assert.ok(config instanceof LiveConfig);
  return config;
}

const concurrency = (config: LiveConfig): number | undefined =>
  config.current.policy.policies[0]?.default?.concurrency;

test("policies are read at start and read again on reload", async (t) => {
  const from = await places(t, {
    "smtpd.yaml": startup,
    "smtpd-app.yaml": app,
    "smtpd-policy.yaml": policy,
    "smtpd-suspend.yaml": "suspends: [{ jobid: a }]",
  });
  const config = await opened(from);
  assert.equal(concurrency(config), 7);
  assert.equal(config.current.suspend.suspends[0]?.jobid, "a");
  await writeFile(from.startupPath.replace("smtpd.yaml", "smtpd-policy.yaml"), policy.replace("7", "8"));
  assert.ok((await config.reload()).ok);
  assert.equal(concurrency(config), 8);
});

test("a push with policies outlives the process, and one without them takes them away", async (t) => {
  const from = await places(t, { "smtpd.yaml": startup, "smtpd-app.yaml": app });
  const config = await opened(from);
  assert.equal(concurrency(config), undefined);
  const files = { "smtpd-app.yaml": app, "smtpd-policy.yaml": policy };
  assert.deepEqual(await config.push({ revision: "r1", files }), { ok: true, revision: "r1" });
  assert.equal(concurrency(await opened(from)), 7);
  await config.push({ revision: "r2", files: { "smtpd-app.yaml": app } });
  assert.equal(concurrency(await opened(from)), undefined);
});

test("a push with a wrong policy changes nothing and names the file", async (t) => {
  const from = await places(t, {
    "smtpd.yaml": startup,
    "smtpd-app.yaml": app,
    "smtpd-policy.yaml": policy,
  });
  const config = await opened(from);
  const files = { "smtpd-app.yaml": app, "smtpd-policy.yaml": "policies: [{ fields: 3 }]" };
  const answer = await config.push({ revision: "r1", files });
  assert.equal(answer.ok ? "" : answer.problems[0]?.file, "smtpd-policy.yaml");
  assert.equal(concurrency(config), 7);
});

test("problems bear the names that files have on disk, and those of a push the standard ones", async (t) => {
  const own =
    "environment: { appconf: mail.yaml, policyconf: limits.yaml, suspendconf: holds.yaml }\nservers: [{ id: in, listeners: [{ port: 25 }] }]";
  const files = { "mail.yaml": app, "limits.yaml": "", "holds.yaml": "" };
  const from = await places(t, { "engine.yaml": own, ...files });
  const named = { ...from, startupPath: from.startupPath.replace("smtpd.yaml", "engine.yaml") };
  const config = await opened(named);
  const write = (name: string, text: string): Promise<void> =>
    writeFile(named.startupPath.replace("engine.yaml", name), text);
  const filesOf = (problems: readonly { file: string }[]): string[] => problems.map(({ file }) => file);
  for (const name of Object.keys(files)) await write(name, "colour: red");
  const reloaded = await config.reload();
  assert.deepEqual(filesOf(reloaded.ok ? [] : reloaded.problems), [
    "mail.yaml",
    "mail.yaml",
    "mail.yaml",
    "limits.yaml",
    "holds.yaml",
  ]);
  const opening = await LiveConfig.open(named, silentLog);
  assert.deepEqual(
    opening instanceof LiveConfig ? [] : new Set(filesOf(opening)),
    new Set(Object.keys(files)),
  );
  const broken = await config.push({ revision: "r", files: { "smtpd-app.yaml": "servers: 3" } });
  assert.deepEqual(new Set(filesOf(broken.ok ? [] : broken.problems)), new Set(["smtpd-app.yaml"]));
  config.startBroken([{ file: "smtpd-app.yaml", path: "scripting.hooks", reason: "is broken" }]);
  assert.deepEqual(filesOf(config.problems), ["mail.yaml"]);
  config.onChange(() => Promise.reject(new Failure("certificate-unusable", "x.pem is missing")));
  for (const name of Object.keys(files)) await write(name, name === "mail.yaml" ? app : "");
  const unusable = await config.reload();
  assert.deepEqual(filesOf(unusable.ok ? [] : unusable.problems), ["mail.yaml"]);
  await write("engine.yaml", "colour: red");
  const changed = await config.reload();
  assert.deepEqual(filesOf(changed.ok ? [] : changed.problems), ["engine.yaml"]);
});
