/** Listeners of HTTP submission while the engine goes on: certificates that come, change and go, an engine that ends, mail that is being stored. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";

import { type TestCertificate, makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { until } from "../../testing/until.ts";
import { type InjectionOptions, beginInjection } from "./injection.ts";

const KEY = "correct-horse-battery";
const OPTIONS = JSON.stringify({
  sender: { localpart: "news", domain: "example.org" },
  recipients: [{ localpart: "ann", domain: "example.net" }],
});

/** The name in the certificate that a new connection is shown. */
function nameShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.once("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

/** A connection on which one request is asked after the other. */
class Client {
  heard = "";
  #isOver = false;
  readonly #socket: Socket;

  constructor(at: number | Socket) {
    this.#socket = typeof at === "number" ? connect(at, "127.0.0.1") : at;
    this.#socket.on("data", (chunk: Buffer) => (this.heard += chunk.toString("latin1")));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => (this.#isOver = true));
  }

  /** The answer; less when the connection ends before. */
  async ask(): Promise<string> {
    this.heard = "";
    this.#socket.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    return until(
      () => this.heard,
      (heard) => heard.endsWith("}") || this.#isOver,
    );
  }
}

describe("the listeners of HTTP submission", () => {
  const folder = mkdtempSync(join(tmpdir(), "submission-faces-"));
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const renewed: Record<string, TestCertificate> = {};
  let engine: Engine;

  function use({ cert, key }: TestCertificate): void {
    copyFileSync(cert, files.cert);
    copyFileSync(key, files.key);
  }

  before(async () => {
    for (const name of ["old.example", "new.example"]) renewed[name] = makeCertificate(folder, name);
    use(renewed["old.example"] as TestCertificate);
    writeFileSync(join(folder, "keys"), `${KEY}\n`);
    const loopback = { port: 0, address: "127.0.0.1" };
    const http = { apikeyfile: join(folder, "keys") };
    engine = await startEngine({
      folder,
      server: "127.0.0.1:1",
      startup: {
        servers: [
          { id: "smtp", listeners: [loopback] },
          { id: "web", type: "http", listeners: [loopback] },
          { id: "plain", type: "http", listeners: [loopback] },
        ],
        pki: { private: [{ id: "web", ...files }] },
        // Longer than any machine stands still.
        shutdown: { timeout: 300 },
      },
      app: {
        servers: [
          { id: "smtp", transport: "default" },
          { id: "web", transport: "default", http, tls: { certs: [{ cert: "web" }] } },
          { id: "plain", transport: "default", http },
        ],
      },
    });
  });
  after(async () => {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const portOf = (server: string): number => engine.mta.ports.get(server) ?? 0;

  test("show a renewed certificate with the next reload, and keep the last one when it is broken", async () => {
    assert.equal(await nameShown(portOf("web")), "old.example");
    use(renewed["new.example"] as TestCertificate);
    assert.equal((await engine.admin("POST", "/v1/config/reload")).status, 200);
    assert.equal(await nameShown(portOf("web")), "new.example");
    // The key of another certificate.
    copyFileSync((renewed["old.example"] as TestCertificate).cert, files.cert);
    const { json } = await engine.admin("POST", "/v1/config/reload");
    assert.match(JSON.stringify(json), /make no certificate/);
    assert.equal(await nameShown(portOf("web")), "new.example");
  });

  /** With another configuration of the server that began in the clear. */
  async function reload(change: (plain: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
    const path = join(folder, "smtpd-app.yaml");
    const app = JSON.parse(readFileSync(path, "utf8")) as { servers: Record<string, unknown>[] };
    const servers = app.servers.map((server) => (server["id"] === "plain" ? change(server) : server));
    writeFileSync(path, JSON.stringify({ ...app, servers }));
    const { status, json } = await engine.admin("POST", "/v1/config/reload");
    assert.equal(status, 200, JSON.stringify(json));
  }

  test("speak TLS or not as the configuration says that was reloaded last, to those who come from then on", async () => {
    use(renewed["new.example"] as TestCertificate);
    const at = portOf("plain");
    const before = new Client(at);
    assert.match(await before.ask(), /^HTTP\/1\.1 404 (?!.*connection: close)/is);
    await reload((plain) => ({ ...plain, tls: { certs: [{ cert: "web" }] } }));
    assert.equal(await nameShown(at), "new.example");
    const inTheClear = new Client(at);
    await inTheClear.ask();
    assert.equal(inTheClear.heard, "");
    // A connection from before goes on for the request that is on its way.
    assert.match(await before.ask(), /^HTTP\/1\.1 404 .*connection: close/is);
    const secured = new Client(connectTls({ port: at, host: "127.0.0.1", rejectUnauthorized: false }));
    assert.match(await secured.ask(), /^HTTP\/1\.1 404 (?!.*connection: close)/is);
    await reload((plain) => ({ ...plain, tls: undefined }));
    assert.match(await new Client(at).ask(), /^HTTP\/1\.1 404 /);
    assert.match(await secured.ask(), /^HTTP\/1\.1 404 .*connection: close/is);
    await assert.rejects(nameShown(at));
  });

  // Ends the engine, so it comes last.
  test("answer a request under way when the engine ends, and let it end behind the answer", async () => {
    const body = (name: string, content: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
    const whole = `${body("options", OPTIONS)}${body("rfc822", "Subject: late\r\n\r\nx")}--b--\r\n`;
    const fields = `Host: x\r\nX-API-Key: ${KEY}\r\nContent-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue`;
    const socket: Socket = connect(portOf("plain"), "127.0.0.1");
    let heard = "";
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.write(`POST /v1/submission HTTP/1.1\r\n${fields}\r\nContent-Length: ${whole.length}\r\n\r\n`);
    // It has read the head by then.
    await until(
      () => heard,
      (text) => text.includes("100 Continue"),
    );
    const ended = engine.stop();
    socket.write(whole);
    await ended;
    await until(
      () => heard,
      (text) => text.endsWith("}"),
    );
    assert.match(heard, /HTTP\/1\.1 503 .*connection: close.*"code":421/is);
  });
});

test("mail that has come counts until it is stored: an engine that is to leave must not be seen empty before", async () => {
  const storing = Promise.withResolvers<{ kind: "accepted"; id: string }>();
  const reception = { id: "A", write: () => null, commit: () => storing.promise, abort: () => {} };
  const figures = { committing: 0 };
  const begun = beginInjection(
    {
      door: { intake: { begin: () => reception } } as unknown as InjectionOptions["door"],
      runner: {} as InjectionOptions["runner"],
      settings: () => ({ sessions: new Map([["web", { transportId: "default", hooks: null }]]) }) as never,
      accepting: () => true,
      figures,
    },
    {
      serverId: "web",
      sender: { localpart: "news", domain: "example.org" },
      recipients: [{ localpart: "ann", domain: "example.net" }],
      isEightBit: true,
      origin: { remoteIp: "", remotePort: 0, helo: "http" },
    },
  );
  assert.ok(typeof begun === "object");
  await begun.write(Buffer.from("Subject: x\r\n\r\n"));
  assert.equal(figures.committing, 0);
  const done = begun.commit();
  assert.equal(figures.committing, 1);
  storing.resolve({ kind: "accepted", id: "A" });
  assert.equal((await done).kind, "accepted");
  assert.equal(figures.committing, 0);
});
