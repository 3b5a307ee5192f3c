/** Two engines that share a backlog while one of them is killed again and again: each message stays in one spool. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { after, before, test } from "node:test";
import { createTransport } from "nodemailer";
import { Agent, request } from "undici";

import { EngineStatus, QueuePage } from "#contract/admin-api.ts";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { makeCertificate, type TestCertificate } from "../../testing/certificates.ts";
import { ChildEngine } from "../../testing/child-engine.ts";
import { until } from "../../testing/until.ts";

const SERVER_NAME = "out-pods.mail.svc";
const MESSAGES = 150;
/** For two processes that share the processors with others. */
const PATIENCE_MS = 120_000;
/** Milliseconds after the order: before, while and after the first batch is written on both sides. */
const MOMENTS = [0, 8, 20, 35, 60, 120] as const;

const folder = mkdtempSync(join(tmpdir(), "killed-"));
let certificate: TestCertificate;
let agent: Agent;
/** Takes connections and never greets, so nothing is delivered and all mail is in a spool. */
let deaf: Server;

before(async () => {
  certificate = makeCertificate(folder, SERVER_NAME);
  agent = new Agent({ connect: { ca: readFileSync(certificate.ca), servername: SERVER_NAME } });
  deaf = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(deaf, "listening");
});
after(async () => {
  await agent.destroy();
  deaf.close();
  rmSync(folder, { recursive: true, force: true });
});

class Secured {
  readonly name: string;
  readonly url: string;
  readonly child: ChildEngine;

  private constructor(name: string, url: string, child: ChildEngine) {
    this.name = name;
    this.url = url;
    this.child = child;
  }

  static async start(name: string): Promise<Secured> {
    const port = await freePort();
    const home = join(folder, name);
    const tls = { cert: certificate.cert, key: certificate.key, clientca: certificate.ca };
    const listener = { port, address: "127.0.0.1" };
    const child = await ChildEngine.start({
      folder: home,
      server: `127.0.0.1:${(deaf.address() as AddressInfo).port}`,
      startup: { admin: { listener, tokenfile: join(home, "token"), tls } },
    });
    return new Secured(name, `https://127.0.0.1:${port}`, child);
  }

  get peer() {
    return { name: this.name, url: this.url, servername: SERVER_NAME };
  }

  async call(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const token = readFileSync(join(folder, this.name, "token"), "utf8").trim();
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await request(`${this.url}${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, ...json },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return answer.body.json();
  }

  async status(): Promise<EngineStatus> {
    return EngineStatus.parse(await this.call("GET", "/v1/status"));
  }

  async messages(): Promise<readonly string[]> {
    const { entries } = QueuePage.parse(await this.call("GET", "/v1/queue?limit=1000"));
    return entries.map(({ messageId }) => messageId);
  }
}

async function fill(engine: Secured): Promise<void> {
  const { smtp } = engine.child.ports;
  const transport = createTransport({ host: "127.0.0.1", port: smtp, ignoreTLS: true, pool: true });
  for (let i = 0; i < MESSAGES; i++)
    await transport.sendMail({ from: "a@example.org", to: `r${i}@example.net`, text: "small" });
  transport.close();
}

test("killed at any moment of a transfer, an engine loses nothing and keeps nothing that its peer has", async (t) => {
  const [giver, taker] = await Promise.all([Secured.start("giver"), Secured.start("taker")]);
  t.after(() => Promise.all([giver.child.end("SIGKILL"), taker.child.end("SIGKILL")]));
  await fill(giver);
  const all = (await giver.messages()).toSorted();
  assert.equal(all.length, MESSAGES);
  for (const [round, moment] of MOMENTS.entries()) {
    const victim = round % 2 === 0 ? giver : taker;
    await giver.call("POST", "/v1/spread", { peers: [{ ...taker.peer, recipients: 20 }] });
    await wait(moment);
    await victim.child.end("SIGKILL");
    await victim.child.start();
    // What the operator does when somebody is owed an answer.
    await giver.call("POST", "/v1/drain", { mode: "Serve", peers: [taker.peer] });
    await until(
      () => giver.status(),
      ({ handover }) => handover?.unanswered === 0 && handover.spreading === 0,
      PATIENCE_MS,
    );
    const [left, moved] = [await giver.messages(), await taker.messages()];
    assert.deepEqual([...left, ...moved].toSorted(), all, `killed ${victim.name} after ${moment} ms`);
  }
  const before = (await giver.status()).handover?.spread ?? 0;
  await giver.call("POST", "/v1/spread", { peers: [{ ...taker.peer, recipients: 20 }] });
  await until(
    () => giver.status(),
    ({ handover }) => handover?.spread === before + 20 && handover.spreading === 0,
    PATIENCE_MS,
  );
  assert.deepEqual([...(await giver.messages()), ...(await taker.messages())].toSorted(), all);
});
