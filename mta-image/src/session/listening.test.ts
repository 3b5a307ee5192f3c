import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { closed, withReceiver } from "../../testing/receiver.ts";
import { makeNetworks } from "../net/networks.ts";

const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
const proxied = { proxyNetworks: makeNetworks(["127.0.0.0/8"]) };
const HEADER = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n";

test("behind a proxy the client is who the header names, for relaying and for the trace", () =>
  withReceiver({ settings: proxied, relayDomains: ["here.example"] }, async (receiver) => {
    const client = await receiver.connect();
    client.socket.write(HEADER);
    assert.match(await client.reply(), /^220 /);
    await client.ask("EHLO client.example.org");
    await client.ask("MAIL FROM:<a@example.org>");
    assert.equal(await client.ask("RCPT TO:<b@far.example>"), "554 5.7.1 Relaying denied");
    await client.ask("RCPT TO:<b@here.example>");
    assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
    assert.equal(receiver.accepted[0]?.origin.remoteIp, "192.0.2.7");
    assert.equal(receiver.accepted[0]?.origin.remotePort, 40_000);
    client.socket.destroy();
  }));

test("a header cut at any byte is found", () =>
  withReceiver({ settings: proxied }, async (receiver) => {
    for (let at = 1; at < HEADER.length; at++) {
      const client = await receiver.connect();
      client.socket.write(HEADER.slice(0, at));
      await new Promise((resolve) => setTimeout(resolve, 1));
      client.socket.write(HEADER.slice(at));
      assert.match(await client.reply(), /^220 /);
      client.socket.destroy();
    }
  }));

test("a client that speaks right behind the header has spoken before the greeting", () =>
  withReceiver({ settings: proxied }, async (receiver) => {
    const client = await receiver.connect();
    client.socket.write(`${HEADER}EHLO client.example.org\r\n`);
    assert.equal(await client.reply(), "554 5.5.1 The server speaks first");
  }));

test("TLS may begin right behind the header, in the same packet", () => {
  const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
  return withReceiver({ tls, settings: { ...proxied, implicitTls: true } }, async (receiver) => {
    const { socket: plain } = await receiver.connect();
    plain.removeAllListeners("data");
    let header = HEADER;
    const joined = new Duplex({
      read: () => {},
      write(chunk: Buffer, _encoding, done) {
        plain.write(Buffer.concat([Buffer.from(header), chunk]), done);
        header = "";
      },
    });
    plain.on("data", (chunk) => joined.push(chunk));
    const secure = connectTls({ socket: joined, rejectUnauthorized: false });
    assert.match(await new Lines(secure).reply(), /^220 /);
    secure.destroy();
    plain.destroy();
  });
});

test("no header, a broken one and one that never comes get not a byte", () =>
  withReceiver({ settings: proxied }, async (receiver) => {
    for (const bytes of ["EHLO a\r\n", "PROXY UNKNOWN\r\n", `PROXY ${"x".repeat(200)}`]) {
      const client = await receiver.connect();
      client.socket.write(bytes);
      assert.equal(await client.reply(), "<closed>");
    }
    const silent = await receiver.connect();
    silent.socket.write("PROXY ");
    // Its time begins when it is taken, which the client does not see.
    await receiver.until(() => receiver.counters.connections === 4, "it is taken");
    receiver.clock.advance(6000);
    assert.equal(await silent.reply(), "<closed>");
    const gone = await receiver.connect();
    gone.socket.destroy();
    await closed(gone);
  }));

test("who is no proxy of ours is cut, whatever header it sends", () =>
  withReceiver({ settings: { proxyNetworks: makeNetworks(["10.0.0.0/8"]) } }, async (receiver) => {
    const client = await receiver.connect();
    client.socket.write(HEADER);
    assert.equal(await client.reply(), "<closed>");
  }));

test("clients behind one proxy are counted each by its own address", () =>
  withReceiver({ settings: proxied, perIp: 1 }, async (receiver) => {
    const clients = await Promise.all([receiver.connect(), receiver.connect(), receiver.connect()]);
    const replies: string[] = [];
    for (const [i, client] of clients.entries()) {
      client.socket.write(HEADER.replace("192.0.2.7", i === 0 ? "192.0.2.8" : "192.0.2.7"));
      replies.push((await client.reply()).slice(0, 3));
    }
    assert.deepEqual(replies, ["220", "220", "421"]);
    for (const client of clients) client.socket.destroy();
  }));

test("a UNIX socket takes mail of local processes, also over one that a dead server left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "smtp-"));
  const path = join(folder, "smtp.sock");
  try {
    for (let round = 0; round < 2; round++) {
      await withReceiver({ path, relayNetworks: [] }, async (receiver) => {
        const client = new Lines(connect({ path }));
        assert.match(await client.reply(), /^220 /);
        await client.ask("EHLO localhost");
        await client.ask("MAIL FROM:<a@example.org>");
        assert.equal(await client.ask("RCPT TO:<b@far.example>"), "250 2.1.5 Recipient ok");
        assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
        assert.equal(receiver.accepted[0]?.origin.remoteIp, "");
        client.socket.destroy();
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
