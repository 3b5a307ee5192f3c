/** Engines of one cluster, in this process and over HTTPS, whose suppression lists become one and outlive pods. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { createTransport } from "nodemailer";
import { Agent, request } from "undici";

import { SuppressionPage } from "#contract/suppression-api.ts";
import type { Changes } from "#contract/suppression-sharing.ts";

import { type TestCertificate, makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const SERVER_NAME = "out-pods.mail.svc";
const folder = mkdtempSync(join(tmpdir(), "sharing-"));
const running: Engine[] = [];
let certificate: TestCertificate;
let sink: MailSink;
let agent: Agent;

before(async () => {
  certificate = makeCertificate(folder, SERVER_NAME);
  agent = new Agent({ connect: { ca: certificate.pem.cert, rejectUnauthorized: false } });
  sink = await MailSink.start();
  sink.answerRcpt = () => ({ code: 550, text: "5.1.1 no such user" });
});
after(async () => {
  await agent.destroy();
  await sink.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((engine) => engine.stop()));
});

async function engineOf(name: string, app: object = { suppression: {} }): Promise<Engine> {
  const home = join(folder, name);
  const tls = { cert: certificate.cert, key: certificate.key, clientca: certificate.ca };
  const admin = { listener: { port: 0, address: "127.0.0.1" }, tokenfile: join(home, "token"), tls };
  const server = `127.0.0.1:${sink.port}`;
  const engine = await startEngine({ folder: home, server, startup: { admin }, app: { ...app } });
  running.push(engine);
  return engine;
}

async function stop(engine: Engine): Promise<void> {
  running.splice(running.indexOf(engine), 1);
  await engine.stop();
}

async function call(
  engine: Engine,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await request(`https://127.0.0.1:${engine.mta.ports.get("admin")}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${engine.token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.body.json();
}

const peerOn = (port: number | undefined, name: string): object => {
  return { name, url: `https://127.0.0.1:${port}`, servername: SERVER_NAME };
};
const peerOf = (engine: Engine): object => peerOn(engine.mta.ports.get("admin"), engine.folder);
const follow = (engine: Engine, ...sources: readonly Engine[]): Promise<unknown> =>
  call(engine, "PUT", "/v1/suppressions/sources", { peers: sources.map(peerOf) });
const addresses = async (engine: Engine): Promise<readonly string[]> =>
  SuppressionPage.parse(await call(engine, "GET", "/v1/suppressions")).entries.map(({ address }) => address);
const holds = (engine: Engine, wanted: readonly string[]): Promise<unknown> =>
  until(
    () => addresses(engine),
    (seen) => JSON.stringify(seen) === JSON.stringify(wanted),
  );
const isUnshared = (engine: Engine): boolean | undefined =>
  engine.mta.administration.status().suppression?.unshared;

test("what one engine learns all know, what is deleted at one is gone at all, and a new pod gets everything", async () => {
  const [a, b, c] = [await engineOf("a"), await engineOf("b"), await engineOf("c")];
  // A ring: what c knows of a has come by b.
  await Promise.all([follow(a, c), follow(b, a), follow(c, b)]);
  const client = createTransport({ host: "127.0.0.1", port: a.smtpPort, ignoreTLS: true });
  await client.sendMail({ from: "", to: "gone@far.test", text: "hi" });
  client.close();
  await holds(c, ["gone@far.test"]);
  await until(
    () => isUnshared(a),
    (unshared) => unshared === false,
  );
  await call(c, "POST", "/v1/suppressions", { addresses: ["left@far.test"], reason: "asked us to" });
  await holds(b, ["gone@far.test", "left@far.test"]);
  await call(c, "POST", "/v1/suppressions/delete", { addresses: ["gone@far.test"] });
  await holds(b, ["left@far.test"]);
  // The pod and its volume are lost; b has what it knew, and the next pod of that name has it from there.
  await stop(a);
  rmSync(a.folder, { recursive: true });
  const again = await engineOf("a");
  await follow(again, b);
  await holds(again, ["left@far.test"]);
});

test("an engine that starts again goes on where it stood, and holds what it knew meanwhile", async () => {
  const [giver, first] = [await engineOf("giver"), await engineOf("taker")];
  await follow(first, giver);
  await call(giver, "POST", "/v1/suppressions", { addresses: ["one@far.test"] });
  await holds(first, ["one@far.test"]);
  await stop(first);
  await call(giver, "POST", "/v1/suppressions", { addresses: ["two@far.test"] });
  const taker = await engineOf("taker");
  assert.deepEqual(await addresses(taker), ["one@far.test"]);
  assert.deepEqual(taker.mta.administration.status().suppression?.sources, []);
  await follow(taker, giver);
  await holds(taker, ["one@far.test", "two@far.test"]);
});

test("an engine without a list shares nothing and says so", async () => {
  const [without, other] = [await engineOf("without", {}), await engineOf("other")];
  await follow(other, without);
  assert.equal(without.mta.administration.status().suppression, null);
  const said = await call(without, "GET", "/v1/suppressions/changes");
  assert.equal((said as { code?: string }).code, "suppression-off");
});

test("a peer that sends nonsense changes nothing, and is asked again until it is well", async (t) => {
  const row = { tenant: "", address: "ann@far.test", reason: "r", source: "api", since: 1, until: null };
  const well: Changes = {
    list: "one",
    rows: [{ ...row, source: "api", changed: 1, gone: false }],
    after: 1,
    isMore: false,
  };
  const evil = { ...row, address: "evil@far.test", changed: 1, gone: false };
  const wrong = (rows: readonly object[]): string => JSON.stringify({ ...well, rows: [evil, ...rows] });
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => response.destroy(),
    (response) => response.writeHead(500).end("{}"),
    (response) => response.end("no JSON"),
    (response) => response.end(wrong(Array.from({ length: 500 }, () => evil))),
    (response) => response.end(wrong([{ ...evil, changed: -1 }])),
    (response) => response.end(wrong([{ ...evil, changed: 1e300 }])),
    (response) => response.end(wrong([{ ...evil, address: "x".repeat(2000) }])),
    (response) => response.end(wrong([]).slice(0, -10)),
    (response) => response.end(Buffer.alloc(9 * 1024 * 1024, "[")),
    (response) => response.end(JSON.stringify(well)),
  ];
  let round = 0;
  /** Rounds of questions that were answered: a slow round has more than one. */
  const answered = new Set<number>();
  const { cert, key } = certificate.pem;
  const server = createServer({ cert, key }, (_, response) => {
    const current = round;
    response.once("close", () => answered.add(current));
    answers[current]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const engine = await engineOf("patient");
  const peers = [peerOn((server.address() as AddressInfo).port, "hostile")];
  for (; round < answers.length - 1; round++) {
    // Told anew it asks at once.
    await call(engine, "PUT", "/v1/suppressions/sources", { peers });
    await until(
      () => answered.has(round),
      (isSo) => isSo,
    );
    assert.deepEqual(await addresses(engine), []);
    await call(engine, "PUT", "/v1/suppressions/sources", { peers: [] });
  }
  await call(engine, "PUT", "/v1/suppressions/sources", { peers });
  await holds(engine, ["ann@far.test"]);
});
