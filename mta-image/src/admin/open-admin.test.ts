import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import { connect } from "node:tls";

import { listenHttp } from "#base/http-server.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { until } from "../../testing/until.ts";
import type { Administration } from "./admin-server.ts";
import { openAdmin } from "./open-admin.ts";
import type { InsightDoor } from "./insight-routes.ts";
import type { PluginDoor } from "./plugin-routes.ts";
import type { RuleDoor } from "./rule-routes.ts";
import type { SpamhausDoor } from "./spamhaus-routes.ts";
import type { TransferDoor } from "./transfer-routes.ts";

const folder = mkdtempSync(join(tmpdir(), "admin-"));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "new"));
const first = makeCertificate(folder, "engine.example.test");
const second = makeCertificate(join(folder, "new"), "engine.example.test");
const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key"), token: join(folder, "token") };

const clock = new ManualClock();
let port = 0;
let close: () => Promise<void> = async () => {};

beforeEach(async () => {
  use(first);
  writeFileSync(files.token, "first\n");
  const config = {
    listener: { port: 0, address: "127.0.0.1" },
    tokenfile: files.token,
    tls: { cert: files.cert, key: files.key, clientca: first.ca },
  };
  // Only the status is asked for; whatever else was called would fail the test.
  const administration = { status: () => ({ state: "Serving" }) } as unknown as Administration;
  const rooms = {
    administration,
    spamhaus: {} as SpamhausDoor,
    transfer: {} as TransferDoor,
    rules: {} as RuleDoor,
    insight: {} as InsightDoor,
    plugins: {} as PluginDoor,
    tlsReports: { days: () => [], reports: () => [] },
    traces: { watch: () => null, samplesOf: () => [] },
  };
  const { server, stop } = await openAdmin(config, rooms, { clock, log: silentLog });
  port = await listenHttp(server, { host: "127.0.0.1", port: 0 });
  close = async () => {
    stop();
    await server.close();
  };
});
afterEach(() => close());

function use(certificate: typeof first): void {
  copyFileSync(certificate.cert, files.cert);
  copyFileSync(certificate.key, files.key);
}

interface Caller {
  readonly ca?: string;
  readonly token?: string;
  readonly shows?: typeof first;
}

/** The status code, or the code of the error. */
function ask({ ca = first.ca, token, shows }: Caller): Promise<number | string> {
  return new Promise((resolve) => {
    const call = request(
      {
        host: "127.0.0.1",
        servername: "engine.example.test",
        port,
        path: "/v1/status",
        agent: false,
        ca: readFileSync(ca),
        ...(shows === undefined ? {} : shows.pem),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end();
  });
}

test("the token opens the door, nothing and a wrong one do not", async () => {
  assert.equal(await ask({ token: "first" }), 200);
  assert.equal(await ask({ token: "second" }), 401);
  assert.equal(await ask({}), 401);
});

test("a certificate of the authority opens it without a token, another's does not", async () => {
  assert.equal(await ask({ shows: first }), 200);
  assert.equal(await ask({ shows: second }), 401);
});

/** The session that the server gives to a caller without a certificate, or what it answers to one that resumes it. */
function handshake(
  version: "TLSv1.2" | "TLSv1.3",
  session?: Buffer,
): Promise<{ text: string; session?: Buffer }> {
  return new Promise((resolve, reject) => {
    const versions = { minVersion: version, maxVersion: version };
    const address = {
      host: "127.0.0.1",
      port,
      servername: "engine.example.test",
      ca: readFileSync(first.ca),
    };
    const socket = connect({ ...address, ...versions, ...(session === undefined ? {} : { session }) });
    let given: Buffer | undefined;
    let text = "";
    socket.on("session", (each: Buffer) => (given = each));
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("error", reject);
    socket.once("close", () => resolve({ text, ...(given === undefined ? {} : { session: given }) }));
    socket.write("GET /v1/status HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\r\n");
  });
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const)
  test(`a session that is resumed opens no more than it did before: ${version}`, async () => {
    const { text, session } = await handshake(version);
    assert.match(text, /^HTTP\/1\.1 401 /);
    assert.ok(session !== undefined);
    const again = await handshake(version, session);
    assert.match(again.text, /^HTTP\/1\.1 401 /);
  });

test("a renewed certificate and token are in use without a restart", async () => {
  assert.equal(await ask({ ca: second.ca, token: "first" }), "SELF_SIGNED_CERT_IN_CHAIN");
  use(second);
  writeFileSync(files.token, "second\n");
  clock.advance(30_000);
  await until(
    () => ask({ ca: second.ca, token: "second" }),
    (answer) => answer === 200,
  );
  assert.equal(await ask({ ca: second.ca, token: "first" }), 401);
});

test("files that make no sense together change nothing, and are looked at again", async () => {
  copyFileSync(second.cert, files.cert);
  writeFileSync(files.token, "second\n");
  clock.advance(30_000);
  await until(
    () => clock.nextAt(),
    (at) => at !== null,
  );
  assert.equal(await ask({ token: "first" }), 200);
  copyFileSync(second.key, files.key);
  clock.advance(30_000);
  await until(
    () => ask({ ca: second.ca, token: "second" }),
    (answer) => answer === 200,
  );
});

test("a token file that is empty or gone keeps the engine from starting", async () => {
  const config = { listener: { port: 0, address: "127.0.0.1" }, tokenfile: files.token };
  const rooms = {
    administration: {} as Administration,
    spamhaus: {} as SpamhausDoor,
    transfer: {} as TransferDoor,
    rules: {} as RuleDoor,
    insight: {} as InsightDoor,
    plugins: {} as PluginDoor,
    tlsReports: { days: () => [], reports: () => [] },
    traces: { watch: () => null, samplesOf: () => [] },
  };
  writeFileSync(files.token, "\n");
  await assert.rejects(openAdmin(config, rooms, { clock, log: silentLog }), { code: "admin-file-unusable" });
  rmSync(files.token);
  await assert.rejects(openAdmin(config, rooms, { clock, log: silentLog }), { code: "admin-file-unusable" });
});
