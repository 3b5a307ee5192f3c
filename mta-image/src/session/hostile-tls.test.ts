/** TLS handshakes that are hostile or broken: no mail comes of them, and the next client is served as if nothing had been. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from "node:tls";
import { type TestContext, test } from "node:test";

import { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import { loadContexts } from "../net/tls-contexts.ts";

const path = (name: string): string => new URL(`testdata/${name}`, import.meta.url).pathname;
const contexts = await loadContexts([{ id: "own", cert: path("test-cert.pem"), key: path("test-key.pem") }]);
const tls = contexts.get("own") ?? null;

async function start(t: TestContext): Promise<Receiver> {
  const receiver = await Receiver.start({ settings: { tls } });
  t.after(() => receiver.close());
  return receiver;
}

/** A client that has been told to begin the handshake. */
async function invited(receiver: Receiver): Promise<Lines> {
  const client = await receiver.greeted();
  assert.match(await client.ask("STARTTLS"), /^220 /);
  return client;
}

/** The handshake's outcome: the protocol, or "refused". */
async function shake(receiver: Receiver, options: ConnectionOptions): Promise<string> {
  const { socket: under } = await invited(receiver);
  under.removeAllListeners("data");
  const socket = connectTls({ socket: under, rejectUnauthorized: false, ...options });
  const outcome = await new Promise<string>((resolve) => {
    socket.on("secureConnect", () => resolve(socket.getProtocol() ?? "?"));
    socket.on("error", () => resolve("refused")).on("close", () => resolve("refused"));
  });
  if (outcome !== "refused") await new Lines(socket).ask("EHLO client.example.org");
  socket.destroy();
  under.destroy();
  return outcome;
}

async function assertServes(receiver: Receiver): Promise<void> {
  await receiver.untilIdle();
  assert.match(await shake(receiver, {}), /^TLSv1\.[23]$/);
  const client = await receiver.inData();
  assert.match(await client.ask("Subject: x\r\n\r\nstill here\r\n."), /^250 /);
  client.socket.destroy();
  await receiver.untilIdle();
}

/** A ClientHello of TLS 1.2 that names this server, by hand, since libraries refuse to send such names. */
function helloTo(name: Buffer): Buffer {
  const block = (bytes: Buffer, sizeBytes: number): Buffer => {
    const size = Buffer.alloc(sizeBytes);
    size.writeUIntBE(bytes.length, 0, sizeBytes);
    return Buffer.concat([size, bytes]);
  };
  const entry = Buffer.concat([Buffer.from([0]), block(name, 2)]);
  const sni = Buffer.concat([Buffer.from([0, 0]), block(block(entry, 2), 2)]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    block(Buffer.alloc(0), 1),
    block(Buffer.from([0xc0, 0x2f, 0xc0, 0x30]), 2),
    block(Buffer.from([0]), 1),
    block(sni, 2),
  ]);
  return Buffer.concat([
    Buffer.from([22, 3, 1]),
    block(Buffer.concat([Buffer.from([1]), block(body, 3)]), 2),
  ]);
}

const hostile: Readonly<Record<string, Buffer>> = {
  "bytes that are no TLS": Buffer.from("MAIL FROM:<evil@example.org>\r\n".repeat(50)),
  "a record that is longer than any": Buffer.from([22, 3, 1, 0xff, 0xff, ...Buffer.alloc(500, 1)]),
  "a hello that is cut": helloTo(Buffer.from("mx.example.org")).subarray(0, 30),
  "a server name of 300 bytes": helloTo(Buffer.alloc(300, "a")),
  "a server name that climbs": helloTo(Buffer.from("/../../etc/passwd")),
  "a server name with a backslash at its end": helloTo(Buffer.from("mx.example.org\\")),
  "a server name with NUL": helloTo(Buffer.from("mx\0.example.org")),
  "an alert out of turn": Buffer.from([21, 3, 3, 0, 2, 2, 40]),
};

for (const [what, bytes] of Object.entries(hostile)) {
  test(`${what} for a handshake leaves nothing behind`, async (t) => {
    const receiver = await start(t);
    const client = await invited(receiver);
    client.socket.write(bytes);
    client.socket.end();
    // At once: no time passes here.
    await receiver.untilIdle();
    assert.equal(receiver.counters.tlsFailures, 1);
    assert.equal(receiver.accepted.length, 0);
    await assertServes(receiver);
  });
}

test("a reset in the midst of a handshake leaves nothing behind", async (t) => {
  const receiver = await start(t);
  const hello = helloTo(Buffer.from("mx.example.org"));
  for (const size of [0, 1, 20, hello.length]) {
    const client = await invited(receiver);
    client.socket.write(hello.subarray(0, size));
    await new Promise((resolve) => setImmediate(resolve));
    client.socket.resetAndDestroy();
  }
  await receiver.untilIdle();
  await assertServes(receiver);
});

test("who begins a handshake and falls silent is let go at its deadline, and not before", async (t) => {
  const receiver = await start(t);
  const client = await invited(receiver);
  client.socket.write(helloTo(Buffer.from("mx.example.org")).subarray(0, 30));
  // Another whole session goes by meanwhile.
  assert.match(await shake(receiver, {}), /^TLSv1/);
  receiver.clock.advance(29_000);
  assert.equal(receiver.counters.tlsFailures, 0);
  receiver.clock.advance(2000);
  await receiver.untilIdle();
  assert.equal(receiver.counters.tlsFailures, 1);
  await assertServes(receiver);
});

test("versions before TLS 1.2 are refused, and protocols that are no mail are not agreed on", async (t) => {
  const receiver = await start(t);
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  assert.equal(await shake(receiver, old), "refused");
  assert.match(await shake(receiver, { ALPNProtocols: ["h2", "\x01".repeat(200)] }), /^TLSv1|^refused$/);
  await assertServes(receiver);
});

test("a client that asks for a new handshake within the session gets none", async (t) => {
  const receiver = await start(t);
  const { socket: under } = await invited(receiver);
  under.removeAllListeners("data");
  const socket: TLSSocket = connectTls({ socket: under, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const ended = new Promise<string>((resolve) => {
    socket.once("close", () => resolve("closed")).once("error", () => resolve("refused"));
  });
  const renewed = new Promise<string>((resolve) => {
    if (!socket.renegotiate({}, (error) => resolve(error === null ? "renewed" : "refused")))
      resolve("refused");
  });
  assert.notEqual(await Promise.race([renewed, ended]), "renewed");
  socket.destroy();
  under.destroy();
  await assertServes(receiver);
});
