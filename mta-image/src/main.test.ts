import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { exitCodes } from "#contract/runtime.ts";

import { ChildEngine, runProgram } from "../testing/child-engine.ts";
import { Load, arrived } from "../testing/crash.ts";
import { appConfig, writeConfig } from "../testing/harness.ts";
import { ScriptedHost } from "../testing/scripted-host.ts";
import { until } from "../testing/until.ts";

const root = mkdtempSync(join(tmpdir(), "smtpd-"));
after(() => rmSync(root, { recursive: true, force: true }));

let host: ScriptedHost;
const children: ChildEngine[] = [];
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.end("SIGKILL")));
  await host.stop();
});

let folders = 0;
const newFolder = (): string => join(root, String(folders++));

async function start(group: Readonly<Record<string, unknown>> = {}): Promise<ChildEngine> {
  const child = await ChildEngine.start({
    folder: newFolder(),
    server: `127.0.0.1:${host.port}`,
    group,
    // Whoever ends it wants an end in order, however slow the machine.
    startup: { shutdown: { timeout: 60 } },
  });
  children.push(child);
  return child;
}

/** Waits until everything that got 250 has arrived, and says what has not, should that never be. */
function untilAllArrived(load: Load): Promise<unknown> {
  const missing = (): number[] => {
    const there = arrived(host);
    return [...load.taken].filter((number) => !there.has(number));
  };
  return until(missing, (numbers) => numbers.length === 0);
}

/** How often the files of a folder hold a text. */
function timesIn(folder: string, text: string): number {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((one) => one.isFile());
  const texts = files.map(({ parentPath, name }) => textOf(join(parentPath, name)));
  return texts.reduce((sum, bytes) => sum + bytes.split(text).length - 1, 0);
}

/** Empty: it has got another name meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

describe("kill -9", () => {
  test("at any moment under load loses nothing that got 250", async () => {
    const engine = await start();
    const load = new Load(engine.ports.smtp, { connections: 8 });
    for (let kill = 0; kill < 5; kill++) {
      const before = load.taken.size;
      await until(
        () => load.taken.size,
        (size) => size > before + 20,
      );
      await wait(Math.random() * 100);
      await engine.end("SIGKILL");
      await engine.start();
    }
    await load.stop();
    await untilAllArrived(load);
    assert.deepEqual(load.refusals, []);
    // What was on its way when the process died may come twice, and nothing else: 20 connections, two each.
    const twice = [...arrived(host).values()].filter((count) => count > 1).length;
    assert.ok(twice <= 5 * 40, `${twice} came twice`);
  });

  test("leaves mail that was put off with its due time and its last reply", async () => {
    // Nobody tries it again before the end of the test.
    const engine = await start({ retry: { intervals: [{ interval: "1h" }] } });
    host.answer = ({ line }) => (line.startsWith("RCPT") ? "451 4.7.1 later\r\n" : undefined);
    const load = new Load(engine.ports.smtp, { connections: 1 });
    const listed = (): ReturnType<typeof runProgram> => runProgram("mtactl", ["queue", "list"], engine.env);
    await until(
      () => load.taken.size,
      (size) => size > 3,
    );
    await load.stop();
    const before = await until(
      listed,
      ({ stdout }) => stdout.split("451 4.7.1 later").length > load.taken.size,
    );
    // The records of put-off mail are written behind what was answered.
    const spool = join(engine.folder, "spool");
    await until(
      () => timesIn(spool, "451 4.7.1 later"),
      (count) => count >= load.taken.size,
    );
    await engine.end("SIGKILL");
    await engine.start();
    assert.equal((await listed()).stdout, before.stdout);
  });
});

describe("SIGTERM", () => {
  test("under load ends in order: every session is told, nothing that got 250 is lost, nothing comes twice", async () => {
    const engine = await start();
    const load = new Load(engine.ports.smtp, { connections: 8 });
    await until(
      () => load.taken.size,
      (size) => size > 50,
    );
    assert.equal(await engine.end("SIGTERM"), exitCodes.ok);
    await load.stop();
    for (const refusal of load.refusals) assert.match(refusal, /^421 4\.3\.2 /);
    await engine.start();
    await untilAllArrived(load);
    assert.deepEqual(
      [...arrived(host).values()].filter((count) => count > 1),
      [],
    );
  });
});

describe("SIGHUP", () => {
  test("takes a good file and keeps the old one over a broken one", async () => {
    const engine = await start();
    const revision = async (): Promise<string> =>
      /^revision\s+(\S+)$/m.exec((await runProgram("mtactl", ["status"], engine.env)).stdout)?.[1] ?? "";
    const first = await revision();
    const app = join(engine.folder, "smtpd-app.yaml");
    const good = appConfig({ server: "127.0.0.1:1" });
    writeFileSync(app, "servers: [");
    engine.signal("SIGHUP");
    writeFileSync(app, JSON.stringify(good));
    engine.signal("SIGHUP");
    const second = await until(revision, (now) => now !== first);
    writeFileSync(app, JSON.stringify({ ...good, colour: "blue" }));
    engine.signal("SIGHUP");
    await wait(300);
    assert.equal(await revision(), second);
  });
});

describe("smtpd says by its exit code and on standard error why it does not run:", () => {
  test("78 for a script that does not compile, with its place, when asked to check", async () => {
    const folder = newFolder();
    const app = { scripting: { hooks: { predelivery: "Try(;", postdelivery: "Try(;" } } };
    writeConfig(folder, { server: "127.0.0.1:1", app, startup: { environment: { appconf: "mail.yaml" } } });
    renameSync(join(folder, "smtpd-app.yaml"), join(folder, "mail.yaml"));
    const { code, stderr } = await runProgram("smtpd", ["-c", join(folder, "smtpd.yaml"), "--check"]);
    assert.equal(code, exitCodes.badConfig);
    assert.match(stderr, /^smtpd: mail\.yaml: scripting\.hooks\.predelivery: predelivery:1:5: /m);
    assert.match(stderr, /^smtpd: mail\.yaml: scripting\.hooks\.postdelivery: postdelivery:1:5: /m);
  });

  test("a broken configuration, problem by problem", async () => {
    const folder = newFolder();
    writeConfig(folder, { server: "127.0.0.1:1", startup: { colour: "blue", servers: [] } });
    for (const more of [[], ["--check"]]) {
      const { code, stderr } = await runProgram("smtpd", ["-c", join(folder, "smtpd.yaml"), ...more]);
      assert.equal(code, exitCodes.badConfig);
      assert.match(stderr, /^smtpd: smtpd\.yaml: colour: unknown key/m);
      assert.match(stderr, /^smtpd: smtpd\.yaml: servers: /m);
    }
  });

  test("a file that is not there, and an option that is none", async () => {
    const missing = await runProgram("smtpd", ["-c", join(root, "nothing.yaml")]);
    assert.equal(missing.code, exitCodes.badConfig);
    assert.match(missing.stderr, /^smtpd: cannot read .*nothing\.yaml/);
    assert.equal((await runProgram("smtpd", ["--colour"])).code, exitCodes.badConfig);
  });

  test("a spool that cannot be had, once the log has what the configuration says in vain", async () => {
    const folder = newFolder();
    writeConfig(folder, {
      server: "127.0.0.1:1",
      startup: { environment: { uuid: { version: 4 } }, spool: { path: join(folder, "token", "spool") } },
      app: { queues: { pooling: { policy: "grouping" } } },
    });
    writeFileSync(
      join(folder, "smtpd-delivery.yaml"),
      "delivery: { default: { pooling: { enabled: true } } }",
    );
    const { code, stdout } = await runProgram("smtpd", ["-c", join(folder, "smtpd.yaml")]);
    assert.notEqual(code, exitCodes.ok);
    const lines = stdout.split("\n").filter((line) => line.includes('"configuration-unmet"'));
    assert.equal(lines.length, 1);
    assert.match(
      lines.join(),
      /"warn".*environment\.uuid has no effect.*queues\.pooling\.policy has no effect.*smtpd-delivery\.yaml is not read/,
    );
  });

  test("a port that is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const folder = newFolder();
    writeConfig(folder, {
      server: "127.0.0.1:1",
      startup: { servers: [{ id: "smtp", listeners: [{ port, address: "127.0.0.1" }] }] },
    });
    const { code, stderr } = await runProgram("smtpd", ["-c", join(folder, "smtpd.yaml")]);
    taken.close();
    assert.equal(code, exitCodes.environment);
    assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  });

  test("a spool that another process uses", async () => {
    const engine = await start();
    const yaml = join(engine.folder, "smtpd.yaml");
    const second = join(engine.folder, "second.yaml");
    const text = JSON.parse(readFileSync(yaml, "utf8")) as Record<string, unknown>;
    const loopback = { port: 0, address: "127.0.0.1" };
    const elsewhere = {
      ...text,
      servers: [{ id: "smtp", listeners: [loopback] }],
      monitor: { listener: loopback },
    };
    writeFileSync(second, JSON.stringify({ ...elsewhere, admin: undefined }));
    assert.equal((await runProgram("smtpd", ["-c", second])).code, exitCodes.spool);
  });

  test("nothing, when only asked to check, for its version or for help", async () => {
    const folder = newFolder();
    writeConfig(folder, { server: "127.0.0.1:1" });
    assert.equal(
      (await runProgram("smtpd", ["-c", join(folder, "smtpd.yaml"), "--check"])).code,
      exitCodes.ok,
    );
    assert.match((await runProgram("smtpd", ["--version"])).stdout, /^smtpd \d+\.\d+\.\d+\n$/);
    assert.match((await runProgram("smtpd", ["--help"])).stdout, /^smtpd: /);
  });
});
