/** Hostile and unusual requests of HTTP submission, byte by byte, against a whole engine: what is taken is whole, and what is refused leaves nothing. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink, type Received } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const KEY = "correct-horse-battery";
const OPTIONS = JSON.stringify({
  sender: { localpart: "news", domain: "example.org" },
  recipients: [{ localpart: "ann", domain: "example.net" }],
});

/** A part as it is in the form; `head` are its further fields and parameters. */
function part(name: string, content: string | Buffer, head = ""): Buffer {
  const opening = `--b\r\nContent-Disposition: form-data; name="${name}"${head}\r\n\r\n`;
  return Buffer.concat([Buffer.from(opening), Buffer.from(content as string), Buffer.from("\r\n")]);
}

const END = Buffer.from("--b--\r\n");
const FILE = '; filename="m"';

function head(bytes: number): string {
  const type = "Content-Type: multipart/form-data; boundary=b";
  return `POST /v1/submission HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\n${type}\r\nContent-Length: ${bytes}\r\n\r\n`;
}

/** A connection that notes all it hears. */
class Client {
  readonly socket: Socket;
  heard = "";
  isOver = false;
  /** What broke it: nothing where the server closed it. */
  error: Error | null = null;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk: Buffer) => (this.heard += chunk.toString("latin1")));
    this.socket.on("error", (error) => (this.error = error));
    this.socket.on("close", () => (this.isOver = true));
  }

  /** Status codes of the answers so far. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  }

  async answers(count: number): Promise<number[]> {
    await until(
      () => this.statuses.length,
      (heard) => heard >= count || this.isOver,
    );
    return this.statuses;
  }
}

describe("a form of HTTP submission", () => {
  const folder = mkdtempSync(join(tmpdir(), "submission-form-"));
  const keyFile = join(folder, "keys");
  let sink: MailSink;
  let engine: Engine;

  before(async () => {
    sink = await MailSink.start();
    writeFileSync(keyFile, `${KEY}\n`);
    const loopback = { port: 0, address: "127.0.0.1" };
    const servers = ["web", "narrow"].map((id) => ({ id, type: "http", listeners: [loopback] }));
    const app = {
      transport: "default",
      http: { apikeyfile: keyFile },
      phases: { data: { maxsize: 4_000_000 } },
    };
    engine = await startEngine({
      folder,
      server: `127.0.0.1:${sink.port}`,
      startup: { servers: [{ id: "smtp", listeners: [loopback] }, ...servers] },
      app: {
        servers: [
          { id: "smtp", transport: "default" },
          { id: "web", ...app },
          { id: "narrow", ...app, concurrency: { perip: 2 } },
        ],
      },
    });
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const portOf = (server: string): number => engine.mta.ports.get(server) ?? 0;
  const arrived = (word: string): Promise<Received | undefined> =>
    until(
      () => sink.received.find((mail) => mail.content.includes(word)),
      (mail) => mail !== undefined,
    );

  async function submit(...parts: Buffer[]): Promise<{ status: number; text: string }> {
    const body = Buffer.concat([...parts, END]);
    const client = new Client(portOf("web"));
    client.socket.write(Buffer.concat([Buffer.from(head(body.length)), body]));
    const [status = 0] = await client.answers(1);
    await until(
      () => client.heard,
      (heard) => heard.endsWith("}"),
    );
    client.socket.destroy();
    return { status, text: client.heard };
  }

  test("is taken whole where the message has no file name: it is not cut at a size", async () => {
    const text = `Subject: long field\r\n\r\n${`${"x".repeat(98)}\r\n`.repeat(20_000)}`;
    const { status } = await submit(part("options", OPTIONS), part("rfc822", text));
    assert.equal(status, 200);
    const mail = await arrived("long field");
    assert.ok(
      mail?.content.subarray(-text.length).equals(Buffer.from(text)),
      `${mail?.content.length} bytes`,
    );
  });

  test("is taken byte by byte where the message has no file name, whatever type it claims", async () => {
    const text = Buffer.from("Subject: old letters\r\n\r\ncaf\xe9 \x80\xff\r\n", "latin1");
    const claims = "\r\nContent-Type: text/plain; charset=utf-16le";
    assert.equal((await submit(part("options", OPTIONS), part("rfc822", text, claims))).status, 200);
    const mail = await arrived("old letters");
    assert.ok(mail?.content.subarray(-text.length).equals(text), mail?.content.toString("latin1") ?? "");
  });

  for (const [path, type, status] of [
    ["/v1/submission", "application/json", 401],
    ["/v1/submission", "text/plain", 401],
    ["/elsewhere", "application/json", 404],
    ["/elsewhere", "application/octet-stream", 404],
  ] as const)
    test(`of ${type} for ${path} is answered before its body has come, which nobody would read`, async () => {
      const client = new Client(portOf("web"));
      const length = `Content-Type: ${type}\r\nContent-Length: ${2 ** 40}`;
      client.socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n{`);
      assert.deepEqual(await client.answers(1), [status]);
      client.socket.destroy();
    });

  test("may say that its options are JSON", async () => {
    const options = part("options", OPTIONS, "\r\nContent-Type: application/json");
    assert.equal((await submit(options, part("rfc822", "Subject: said so\r\n\r\nx\r\n"))).status, 200);
    await arrived("said so");
  });

  for (const { what, parts, says } of [
    {
      what: "options whose bytes are no UTF-8, which would become other letters of an address",
      parts: [part("options", Buffer.from(OPTIONS.replace("ann", "caf\xe9"), "latin1"), FILE)],
      says: /options.* is not UTF-8/,
    },
    {
      what: "half of a surrogate pair, which would become another letter of an address",
      parts: [part("options", OPTIONS.replace("ann", "x\\ud83d"))],
      says: /options: recipients\.0\.localpart: is no Unicode text/,
    },
    {
      what: "options that come twice",
      parts: [part("options", OPTIONS), part("options", OPTIONS)],
      says: /options.* comes twice/,
    },
    {
      what: "a part without a name",
      parts: [Buffer.from("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n")],
      says: /no name/,
    },
  ]) {
    test(`is refused with a sentence for ${what}`, async () => {
      const { status, text } = await submit(...parts, part("rfc822", "Subject: never\r\n\r\nx\r\n", FILE));
      assert.equal(status, 400);
      assert.match(text.replaceAll("\\", ""), says);
    });
  }

  test("is refused as a whole when a second message follows, which would be dropped in silence", async () => {
    const message = part("rfc822", "Subject: one of two\r\n\r\nx\r\n", FILE);
    const { status, text } = await submit(part("options", OPTIONS), message, message);
    assert.equal(status, 400);
    assert.match(text, /nothing may come behind/);
    assert.ok(!text.includes("transaction"), text);
  });

  test("leaves no file and no open handle when it breaks off within a packed message", async () => {
    const bodies = join(folder, "spool", "bodies");
    mkdirSync(bodies, { recursive: true });
    // Of mail before it.
    await until(
      () => readdirSync(bodies),
      (files) => files.length === 0,
    );
    const packed = part("rfc822.gzip", gzipSync(randomBytes(1_000_000)), FILE);
    const client = new Client(portOf("web"));
    client.socket.write(head(3_000_000));
    client.socket.write(Buffer.concat([part("options", OPTIONS), packed.subarray(0, 600_000)]));
    // Beyond what is held in memory, the message has a file.
    await until(
      () => readdirSync(bodies).length,
      (files) => files > 0,
    );
    client.socket.destroy();
    await until(
      () => readdirSync(bodies),
      (files) => files.length === 0,
    );
  });

  const rest = Buffer.alloc(8_000_000, "x");
  for (const { what, parts, status } of [
    {
      what: "a message beyond the limit",
      parts: [part("options", OPTIONS), part("rfc822", rest, FILE)],
      status: 422,
    },
    { what: "an unknown part", parts: [part("files", rest, FILE)], status: 400 },
    {
      what: "a packed part that is not",
      parts: [part("options", OPTIONS), part("rfc822.gzip", rest, FILE)],
      status: 400,
    },
  ]) {
    test(`is read to its end though it was refused for ${what}, and the connection ends behind it`, async () => {
      const body = Buffer.concat([...parts, END]);
      const client = new Client(portOf("web"));
      const last = body.subarray(-1);
      client.socket.write(Buffer.concat([Buffer.from(head(body.length)), body.subarray(0, -1)]));
      assert.deepEqual(await client.answers(1), [status]);
      assert.match(client.heard, /\r\nconnection: close\r\n/i);
      assert.equal(client.isOver, false);
      client.socket.write(last);
      await until(
        () => client.isOver,
        (isOver) => isOver,
      );
      assert.equal(client.error, null);
    });
  }

  test("is to come again while the keys cannot be read: that says nothing about the key", async () => {
    const keys = `${KEY}\n`;
    rmSync(keyFile);
    const { status, text } = await submit(part("options", OPTIONS));
    writeFileSync(keyFile, keys);
    assert.equal(status, 503);
    assert.match(text, /come again/);
    assert.ok(!text.includes(KEY));
  });

  test("comes over no more connections than the server takes from one address", async () => {
    const ask = (): Client => {
      const client = new Client(portOf("narrow"));
      client.socket.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
      return client;
    };
    const [first, second] = [ask(), ask()];
    assert.deepEqual(await Promise.all([first.answers(1), second.answers(1)]), [[404], [404]]);
    const third = ask();
    assert.deepEqual(await third.answers(1), []);
    first.socket.destroy();
    const served = await until(
      async () => {
        const next = ask();
        const statuses = await next.answers(1);
        next.socket.destroy();
        return statuses;
      },
      (statuses) => statuses.length > 0,
    );
    assert.deepEqual(served, [404]);
    second.socket.destroy();
  });
});
