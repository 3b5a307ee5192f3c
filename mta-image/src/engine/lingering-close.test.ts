/** Requests of HTTP submission that are refused and never end, against a whole engine whose time stands still until it is pushed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { until } from "../../testing/until.ts";

const KEY = "correct-horse-battery";
const FORM = "Content-Type: multipart/form-data; boundary=b";
const part = (name: string, text: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
const NO_ONE = part("options", "{}") + part("rfc822", "x");

describe("a refused request of HTTP submission that goes on", () => {
  const folder = mkdtempSync(join(tmpdir(), "lingering-"));
  const clock = new ManualClock();
  let engine: Engine;

  before(async () => {
    writeFileSync(join(folder, "keys"), `${KEY}\n`);
    const { cert, key } = makeCertificate(folder, "mail.example");
    const loopback = { port: 0, address: "127.0.0.1" };
    const app = { transport: "default", http: { apikeyfile: join(folder, "keys") } };
    engine = await startEngine({
      folder,
      clock,
      server: "127.0.0.1:1",
      startup: {
        servers: [
          { id: "smtp", listeners: [loopback] },
          { id: "web", type: "http", listeners: [loopback] },
          { id: "secure", type: "http", listeners: [loopback] },
        ],
        pki: { private: [{ id: "secure", cert, key }] },
      },
      app: {
        servers: [
          { id: "smtp", transport: "default" },
          { id: "web", ...app },
          { id: "secure", ...app, tls: { certs: [{ cert: "secure" }] } },
        ],
      },
    });
  });
  after(async () => {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A connection, what it has heard, and whether it is over. */
  function reach(server: string): { readonly socket: Socket; heard: string; isOver: boolean } {
    const socket = connect(engine.mta.ports.get(server) ?? 0, "127.0.0.1");
    const client = { socket, heard: "", isOver: false };
    socket.on("data", (chunk: Buffer) => (client.heard += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => (client.isOver = true));
    return client;
  }

  for (const { what, line, head, body, status } of [
    { what: "without a key", line: "POST /v1/submission", head: FORM, body: "", status: 401 },
    { what: "to no path", line: "POST /elsewhere", head: FORM, body: "x", status: 404 },
    { what: "by another method", line: "PUT /v1/submission", head: FORM, body: "x", status: 404 },
    {
      what: "that is no form",
      line: "POST /v1/submission",
      head: `X-API-Key: ${KEY}`,
      body: "x",
      status: 415,
    },
    {
      what: "that nobody is to get",
      line: "POST /v1/submission",
      head: `X-API-Key: ${KEY}\r\n${FORM}`,
      body: NO_ONE,
      status: 422,
    },
  ])
    test(`${what} has its answer at once, and half a minute to end`, async () => {
      const client = reach("web");
      client.socket.write(`${line} HTTP/1.1\r\nHost: x\r\n${head}\r\nContent-Length: 1000000\r\n\r\n${body}`);
      await until(
        () => client.heard,
        (heard) => heard.endsWith("}"),
      );
      assert.match(client.heard, new RegExp(`^HTTP/1\\.1 ${status} .*\r\nconnection: close\r\n`, "is"));
      clock.advance(29_000);
      client.socket.write("y");
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(client.isOver, false);
      clock.advance(1000);
      await until(
        () => client.isOver,
        (isOver) => isOver,
      );
    });

  test("is no matter where all of it has come: the connection serves the next", async () => {
    const client = reach("web");
    const refused = `POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc`;
    client.socket.write(refused.repeat(3));
    await until(
      () => [...client.heard.matchAll(/HTTP\/1\.1 404 /g)].length,
      (answers) => answers === 3,
    );
    assert.doesNotMatch(client.heard, /connection: close/i);
    client.socket.destroy();
  });

  // Ends the engine, so it comes last.
  test("ends with the engine's patience, and so does a handshake that never ends", async () => {
    const [dripping, silent] = [reach("web"), reach("secure")];
    dripping.socket.write("POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    await until(
      () => dripping.heard,
      (heard) => heard.endsWith("}"),
    );
    let hasEnded = false;
    const ended = engine.stop().then(() => (hasEnded = true));
    // Others of the engine have times of their own.
    await until(
      () => {
        clock.advance(1000);
        return hasEnded;
      },
      (isSo) => isSo,
    );
    await ended;
    await until(
      () => dripping.isOver && silent.isOver,
      (isOver) => isOver,
    );
  });
});
