/** Connections are read in turns, those behind a proxy's header from their second message on; to their clients nothing changes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, beforeEach, test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { buildSockets } from "../../testing/batched-sockets.ts";
import { assertDeafIsLetGo } from "../../testing/deaf-client.ts";
import { Lines } from "../../testing/dialogue.ts";
import { withReceiver } from "../../testing/receiver.ts";
import { until } from "../../testing/until.ts";
import { makeNetworks } from "../net/networks.ts";

const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
const context = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
before(buildSockets);

/** Those of Node, in this process: the client's, and the session's while it is not read in turns. */
const socketsOfNode = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

// Those that a test has left close behind it, and would be missing in the count of the next one.
beforeEach(async () => {
  await until(socketsOfNode, (count) => count === 0);
});

async function send(client: Lines, text = "Subject: x\r\n\r\nhello"): Promise<void> {
  await client.ask("MAIL FROM:<news@example.org>");
  await client.ask("RCPT TO:<ann@example.net>");
  assert.match(await client.ask("DATA"), /^354 /);
  assert.match(await client.ask(`${text}\r\n.`), /^250 2\.0\.0 Ok: queued as /);
}

/** Two messages over a connection that was never one of Node's. */
async function served(client: Lines): Promise<void> {
  await client.reply();
  await client.ask("EHLO client.example.org");
  assert.equal(socketsOfNode(), 1);
  await send(client);
  await send(client);
}

test("behind a proxy's header a connection is moved with its second message", () =>
  withReceiver({ settings: { proxyNetworks: makeNetworks(["127.0.0.0/8"]) } }, async (receiver) => {
    const client = await receiver.connect();
    client.socket.write("PROXY TCP4 127.0.0.7 127.0.0.1 40000 25\r\n");
    await client.reply();
    await client.ask("EHLO client.example.org");
    await send(client);
    assert.equal(socketsOfNode(), 2);
    await send(client);
    await until(socketsOfNode, (now) => now === 1);
    await send(client);
    assert.equal(receiver.accepted[2]?.origin.remoteIp, "127.0.0.7");
    assert.match(await client.ask("QUIT"), /^221 /);
    await receiver.untilIdle();
  }));

test("a connection goes on behind its second message, also with commands sent ahead, and says goodbye", () =>
  withReceiver({ settings: { maxSizeBytes: 1_000_000 } }, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    client.socket.write("MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n");
    for (const code of [/^250 /, /^250 /, /^354 /]) assert.match(await client.reply(), code);
    for (const piece of ["Subject: y\r\n\r\n", "in pie", "ces\r\n", ".", "\r", "\n"]) {
      client.socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.match(await client.reply(), /^250 /);
    await send(client, `Subject: large\r\n\r\n${"0123456789".repeat(60)}${"\r\nline".repeat(60_000)}`);
    assert.equal(receiver.accepted.length, 4);
    assert.match(await client.ask("QUIT"), /^221 /);
    await receiver.untilIdle();
  }));

test("TLS can begin behind a message that came in the clear", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const plain = await receiver.connect();
    await served(plain);
    assert.match(await plain.ask("STARTTLS"), /^220 /);
    plain.socket.removeAllListeners("data");
    const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    const client = new Lines(socket);
    await client.ask("EHLO client.example.org");
    await send(client);
    await send(client);
    assert.match(receiver.accepted[2]?.origin.tls ?? "", /^TLSv1\.3 TLS_/);
    socket.destroy();
  }));

test("a client that is gone behind its STARTTLS leaves nothing behind", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    client.socket.write("STARTTLS\r\n");
    client.socket.resetAndDestroy();
    await receiver.untilIdle();
    assert.equal(receiver.accepted.length, 2);
  }));

test("a long group with QUIT at its end is answered whole", () =>
  withReceiver({ settings: { maxIdleCommands: 1000 } }, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    client.socket.write(`${"RSET\r\n".repeat(200)}QUIT\r\n`);
    for (let i = 0; i < 200; i++) assert.match(await client.reply(), /^250 /);
    assert.match(await client.reply(), /^221 /);
    assert.equal(await client.reply(), "<closed>");
  }));

test("a reset in the middle of a later message leaves nothing behind", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    await client.ask("MAIL FROM:<a@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("DATA");
    client.socket.write("Subject: half\r\n");
    client.socket.resetAndDestroy();
    await receiver.untilIdle();
    assert.equal(receiver.accepted.length, 2);
  }));

test("one that closes its side behind its last message gets the reply", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    await client.ask("MAIL FROM:<a@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("DATA");
    client.socket.end("Subject: last\r\n\r\nx\r\n.\r\n");
    assert.match(await client.reply(), /^250 /);
    assert.equal(receiver.accepted.length, 3);
  }));

test("one that is silent is told so after the idle timeout, and makes room for another of its address", () =>
  withReceiver({ perIp: 1 }, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    assert.match(await (await receiver.connect()).reply(), /^421 4\.7\.0 /);
    receiver.clock.advance(299_000);
    assert.equal(receiver.server.sessions, 1);
    receiver.clock.advance(2_000);
    assert.equal(await client.reply(), "421 4.4.2 Timeout");
    assert.equal(receiver.counters.timeouts, 1);
    assert.equal(receiver.server.sessionsFrom("127.0.0.1"), 0);
    assert.match(await (await receiver.greeted()).ask("QUIT"), /^221 /);
  }));

test("one that does not fetch its replies is not read from, and is let go after the idle timeout", () =>
  withReceiver({ settings: { maxErrors: 1e9 } }, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    await assertDeafIsLetGo(receiver, client);
  }));

test("when the server closes, one that is idle is told at once, and nothing is left of it", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.connect();
    await served(client);
    const closing = receiver.server.close(10_000);
    assert.equal(await client.reply(), "421 4.3.2 Shutting down");
    assert.equal(await client.reply(), "<closed>");
    receiver.clock.advance(20);
    await closing;
    assert.ok(receiver.isIdle);
  }));
