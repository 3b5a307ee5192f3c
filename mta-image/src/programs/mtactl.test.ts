import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createTransport } from "nodemailer";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { type Engine, appConfig, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const folder = mkdtempSync(join(tmpdir(), "mtactl-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

async function mtactl(...args: string[]): Promise<Ended> {
  const program = fileURLToPath(new URL("mtactl.ts", import.meta.url));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args]);
    return { code: 0, out: stdout, error: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, error: stderr };
  }
}

const reach = (engine: Engine): string[] => [
  "--url",
  engine.adminUrl,
  "--token-file",
  join(engine.folder, "token"),
];

describe("mtactl", () => {
  test("shows the engine's figures and passes orders on", async () => {
    const engine = await startEngine({ server: "127.0.0.1:1" });
    const status = await mtactl(...reach(engine), "status");
    assert.equal(status.code, 0, status.error);
    assert.match(status.out, /^state +Serving\n/);
    assert.match((await mtactl(...reach(engine), "drain")).out, /^state +Cordoned, not ready\n/);
    assert.match((await mtactl(...reach(engine), "fence")).out, /^state +Fenced, not ready\n/);
    assert.equal((await mtactl(...reach(engine), "queue", "retry", "--domain", "x.test")).out, "0 changed\n");
    assert.equal((await mtactl(...reach(engine), "shares", "1", "4")).out, "1 of 4\n");
    assert.equal((await mtactl(...reach(engine), "shares")).out, "1 of 4\n");
    const where = ["--where", "minAttempts=1", "--where", "sender=@corp.test"];
    const counted = await mtactl(...reach(engine), "queue", "move", ...where, "--to", "jobId=j", "--dry-run");
    assert.equal(counted.out, "0 would be asked\n", counted.error);
    const unknown = await mtactl(...reach(engine), "queue", "move", ...where, "--to", "transportId=nowhere");
    assert.deepEqual([unknown.code, unknown.error], [1, 'mtactl: there is no transport "nowhere"\n']);
    assert.equal((await mtactl(...reach(engine), "queue", "delete")).code, 2, "nothing named means nothing");
    await engine.stop();
  });

  test("counts what was no delivery by the class of its reply", async () => {
    const sink = await MailSink.start();
    sink.answerRcpt = () => ({ code: 550, text: "5.1.1 nobody of that name" });
    const engine = await startEngine({ server: `127.0.0.1:${sink.port}` });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ envelope: { from: "", to: "no@x.test" }, text: "hi" });
    client.close();
    const { out } = await until(
      () => mtactl(...reach(engine), "bounces"),
      ({ out: text }) => text !== "",
    );
    assert.match(out, /^ +1 {2}failed +bad-mailbox\n$/);
    await engine.stop();
    await sink.stop();
  });

  test("sets, shows and ends a stage, and says why one is refused", async () => {
    const engine = await startEngine({ server: "127.0.0.1:1" });
    const good = join(folder, "stage.yaml");
    writeFileSync(good, JSON.stringify(appConfig({ server: "127.0.0.1:1" })));
    const stage = (...words: string[]): Promise<Ended> => mtactl(...reach(engine), "stage", ...words);
    assert.equal((await stage("list")).out, "no stage\n");
    const set = await stage("set", "new-rules", good, "remoteips=192.0.2.0/24,127.0.0.1/32", "count=5");
    assert.match(set.out, /^new-rules {2}0 connections {2}until /, set.error);
    assert.match((await stage("list")).out, /^new-rules /);
    assert.equal((await stage("clear")).out, "the stage has ended\n");
    assert.equal((await stage("clear")).out, "there was no stage\n");
    const bad = join(folder, "bad.yaml");
    writeFileSync(bad, "servers: [");
    const refused = await stage("set", "b", bad);
    assert.deepEqual([refused.code, refused.error.includes("smtpd-app.yaml")], [1, true]);
    const missing = await stage("set", "c", join(folder, "missing.yaml"));
    assert.deepEqual([missing.code, missing.error.includes("missing.yaml")], [2, true]);
    assert.equal((await stage("set", "d", good, "colour=red")).code, 2);
    await engine.stop();
  });

  test("finds a secured engine by its own smtpd.yaml, and says what is wrong with it", async () => {
    const certificate = makeCertificate(folder, "out-pods.mail.svc");
    const home = join(folder, "engine");
    const port = await freePort();
    const admin = {
      listener: { port, address: "127.0.0.1" },
      tokenfile: join(home, "token"),
      tls: { cert: certificate.cert, key: certificate.key, clientca: certificate.ca },
    };
    const engine = await startEngine({ folder: home, server: "127.0.0.1:1", startup: { admin } });
    const found = await mtactl("--config", join(home, "smtpd.yaml"), "status");
    assert.equal(found.code, 0, found.error);
    assert.match(found.out, /^state +Serving\n/);
    await engine.stop();
    const gone = await mtactl("--config", join(home, "smtpd.yaml"), "status");
    assert.equal(gone.code, 2);
    assert.match(gone.error, /^mtactl: no answer: .*ECONNREFUSED/);
  });

  test("ends with 2 and its usage when the call is wrong", async () => {
    const wrong = await mtactl("queue", "paint");
    assert.equal(wrong.code, 2);
    assert.match(wrong.error, /mtactl queue list/);
  });
});

describe("mtactl trace", () => {
  test("shows a session as it goes, and ends when the engine says so", async () => {
    const engine = await startEngine({ server: "127.0.0.1:1" });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    // On a slow machine no session may come and go while it looks.
    const { out } = await until(
      async () => {
        const looking = mtactl(...reach(engine), "trace", "--in", "--ip", "127.0.0.1", "--seconds", "4");
        const timer = setInterval(() => void client.verify().catch(() => {}), 500);
        const ended = await looking;
        clearInterval(timer);
        assert.equal(ended.code, 0, ended.error);
        return ended;
      },
      (ended) => ended.out.includes("250-PIPELINING"),
    );
    assert.match(out, /^\d\d:\d\d:\d\d\.\d{3} in {2}\w{8} -- open 127\.0\.0\.1:\d+ smtp\n/);
    assert.match(out, /\w{8} C: EHLO .*\n.* S: 250-engine\.example\.test\n {26}250-PIPELINING\n/);
    assert.match(out, /\nended: seconds\n$/);
    assert.match(
      (await mtactl(...reach(engine), "trace", "--ip", "nowhere")).error,
      /remoteIp: must be a network/,
    );
    await engine.stop();
  });
});
