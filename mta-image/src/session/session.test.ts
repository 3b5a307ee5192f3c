import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { type TLSSocket, connect as connectTls, createSecureContext } from "node:tls";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { assertDeafIsLetGo } from "../../testing/deaf-client.ts";
import { Lines, runDialogue } from "../../testing/dialogue.ts";
import { closed, withReceiver } from "../../testing/receiver.ts";

const testdata = new URL("testdata/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, testdata), "utf8");
const context = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });

const dialogues = readdirSync(testdata).filter((file) => file.endsWith(".smtp"));
assert.ok(dialogues.length > 0, "there are conversations in testdata");
for (const name of dialogues) {
  test(`the conversation of ${name} runs as written and leaves nothing behind`, () =>
    withReceiver({}, ({ port }) => runDialogue(read(name), port)));
}

async function secured(client: Lines): Promise<{ client: Lines; socket: TLSSocket }> {
  client.socket.removeAllListeners("data");
  const socket = connectTls({ socket: client.socket, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return { client: new Lines(socket), socket };
}

test("STARTTLS forgets what was said in the clear and is not offered again", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const plain = await receiver.connect();
    await plain.reply();
    assert.match(await plain.ask("EHLO client.example.org"), /\n250-STARTTLS\n/);
    await plain.ask("MAIL FROM:<news@example.org>");
    assert.equal(await plain.ask("STARTTLS"), "220 2.0.0 Ready to start TLS");
    const { client, socket } = await secured(plain);
    assert.equal(await client.ask("RCPT TO:<ann@example.net>"), "503 5.5.1 Send EHLO or HELO first");
    assert.doesNotMatch(await client.ask("EHLO client.example.org"), /STARTTLS/);
    assert.equal(await client.ask("STARTTLS"), "503 5.5.1 TLS is in use already");
    await client.ask("MAIL FROM:<news@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("DATA");
    assert.match(await client.ask("Subject: x\r\n\r\nhidden\r\n."), /^250 2\.0\.0 Ok: queued as /);
    assert.equal(receiver.accepted[0]?.origin.protocol, "ESMTPS");
    assert.match(receiver.accepted[0]?.origin.tls ?? "", /^TLSv1\.3 TLS_/);
    socket.destroy();
  }));

test("REQUIRETLS is offered and taken within TLS only", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const plain = await receiver.connect();
    await plain.reply();
    assert.doesNotMatch(await plain.ask("EHLO client.example.org"), /REQUIRETLS/);
    assert.equal(await plain.ask("MAIL FROM:<a@example.org> REQUIRETLS"), "530 5.7.0 Only within TLS");
    await plain.ask("STARTTLS");
    const { client, socket } = await secured(plain);
    assert.match(await client.ask("EHLO client.example.org"), /\n250-REQUIRETLS\n/);
    assert.match(await client.ask("MAIL FROM:<a@example.org> REQUIRETLS=yes"), /^501 /);
    await client.ask("MAIL FROM:<a@example.org> REQUIRETLS");
    await client.ask("RCPT TO:<ann@example.net>");
    assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
    assert.equal(receiver.accepted[0]?.envelope.requireTls, true);
    socket.destroy();
  }));

test("a command behind STARTTLS in the same packet ends the connection and never runs", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const client = await receiver.greeted();
    assert.equal(
      await client.ask("STARTTLS\r\nMAIL FROM:<evil@example.org>"),
      "554 5.5.0 Data sent before it was asked for",
    );
    assert.equal(await client.reply(), "<closed>");
  }));

test("plain commands sent while the TLS handshake is awaited fail it and never run", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const client = await receiver.greeted();
    await client.ask("STARTTLS");
    client.socket.write("MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@example.net>\r\n");
    await closed(client);
    await receiver.until(() => receiver.counters.tlsFailures === 1, "the failure is counted");
  }));

test("a handshake that never comes is cut after its deadline", () =>
  withReceiver({ tls: context }, async (receiver) => {
    const client = await receiver.greeted();
    await client.ask("STARTTLS");
    receiver.clock.advance(31_000);
    await closed(client);
  }));

test("with implicit TLS the greeting comes through TLS", () =>
  withReceiver({ tls: context, settings: { implicitTls: true } }, async (receiver) => {
    const socket = connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false });
    const client = new Lines(socket);
    assert.equal(await client.reply(), "220 mx.example.org ESMTP Mailfleet");
    socket.destroy();
  }));

test("an end of data cut at any byte is found, and the content is exact", () =>
  withReceiver({}, async (receiver) => {
    const bytes = Buffer.from("Subject: x\r\n\r\n..dot\r\n...\r\n.\r\n");
    for (let at = 1; at < bytes.length; at++) {
      const client = await receiver.inData();
      client.socket.write(bytes.subarray(0, at));
      await new Promise((resolve) => setTimeout(resolve, 1));
      assert.match(await client.ask(bytes.subarray(at)), /^250 /);
      const message = receiver.accepted.at(-1);
      assert.ok(message);
      assert.equal(await receiver.content(message), "Subject: x\r\n\r\n.dot\r\n..\r\n");
      client.socket.destroy();
    }
  }));

test("commands cut at any byte get the same replies, and one by one", () =>
  withReceiver({}, async (receiver) => {
    const group = Buffer.from(
      "NOOP\r\nMAIL FROM:<news@example.org> SIZE=30\r\nRCPT TO:<ann@example.net>\r\nRCPT TO:<\xff@@>\r\nVRFY x\r\nDATA\r\n",
      "latin1",
    );
    const codes = ["250", "250", "250", "501", "252", "354"];
    for (const pieces of byteCuts(group)) {
      const client = await receiver.greeted();
      for (const piece of pieces) {
        client.socket.write(piece);
        if (pieces.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const replies: (string | null)[] = [];
      while (replies.length < codes.length) replies.push((await client.reply()).slice(0, 3));
      assert.deepEqual(replies, codes, `${pieces[0]?.length} bytes first`);
      client.socket.destroy();
    }
  }));

test("a client that closes its side behind the end of data still gets the reply", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.inData();
    client.socket.end("Subject: x\r\n\r\ntext\r\n.\r\n");
    assert.match(await client.reply(), /^250 2\.0\.0 Ok: queued as /);
    assert.equal(receiver.accepted.length, 1);
  }));

test("a client that closes its side inside the content leaves no message", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.inData();
    client.socket.end("Subject: x\r\n\r\ntext\r\n");
    await closed(client);
    assert.equal(receiver.accepted.length, 0);
  }));

test("a reset at any stage leaves nothing behind", () =>
  withReceiver({ inlineBytes: 100 }, async (receiver) => {
    const stages = [
      () => receiver.connect(),
      () => receiver.greeted(),
      () => receiver.inData(),
      async () => {
        const client = await receiver.inData();
        client.socket.write(Buffer.alloc(5000, "a line\r\n"));
        return client;
      },
      async () => {
        const client = await receiver.inData();
        client.socket.write("text\r\n.\r\n");
        return client;
      },
    ];
    for (const stage of stages) (await stage()).socket.resetAndDestroy();
    await receiver.untilIdle();
    assert.deepEqual(
      receiver.files.paths().filter((path) => path.endsWith(".part")),
      [],
    );
  }));

test("silence between commands ends in 421 after the idle timeout, and so does a dripping command", () =>
  withReceiver({}, async (receiver) => {
    const silent = await receiver.greeted();
    const dripping = await receiver.greeted();
    for (let i = 0; i < 10; i++) {
      receiver.clock.advance(29_000);
      dripping.socket.write("N");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(receiver.server.sessions, 2);
    receiver.clock.advance(15_000);
    assert.equal(await silent.reply(), "421 4.4.2 Timeout");
    assert.equal(await dripping.reply(), "421 4.4.2 Timeout");
    assert.equal(receiver.counters.timeouts, 2);
  }));

test("content that drips under the least rate ends in 421 and is dropped", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.inData();
    client.socket.write("Subject: slow\r\n");
    await receiver.until(() => receiver.bytesTaken > 0, "some is read");
    receiver.clock.advance(61_000);
    assert.equal(await client.reply(), "421 4.4.2 Data comes too slowly");
    assert.equal(receiver.accepted.length, 0);
  }));

test("content that came fast and then stops is given up after the idle timeout", () =>
  withReceiver({ settings: { maxSizeBytes: 10_000_000 } }, async (receiver) => {
    const client = await receiver.inData();
    client.socket.write(Buffer.alloc(1_000_000, "a line\r\n"));
    // All but a line end, which may be the beginning of the end of data.
    await receiver.until(() => receiver.bytesTaken >= 999_998, "all is read");
    receiver.clock.advance(290_000);
    assert.equal(receiver.server.sessions, 1);
    receiver.clock.advance(15_000);
    assert.equal(await client.reply(), "421 4.4.2 Timeout");
  }));

test("a client that does not read its replies is not read from, and times out", () =>
  withReceiver({ settings: { maxRecipients: 100, maxErrors: 1e9 } }, async (receiver) => {
    await assertDeafIsLetGo(receiver, await receiver.greeted());
  }));

test("large mail goes to a body file and is read back whole", () =>
  withReceiver({ inlineBytes: 1000, settings: { maxSizeBytes: 1_000_000 } }, async (receiver) => {
    const client = await receiver.inData();
    const text = `Subject: large\r\n\r\n${"0123456789abcdef\r\n".repeat(20_000)}`;
    assert.match(await client.ask(`${text}.`), /^250 /);
    const message = receiver.accepted[0];
    assert.ok(message);
    assert.equal(await receiver.content(message), text);
    assert.ok(receiver.files.paths().includes(`bodies/${message.id}`));
    client.socket.destroy();
  }));

test("beyond the bound on mail in memory a message is refused and its bytes are let go at once", () =>
  withReceiver({ maxBytesInFlight: 4000 }, async (receiver) => {
    const client = await receiver.inData();
    assert.equal(
      await client.ask(`Subject: x\r\n\r\n${"a line of text\r\n".repeat(400)}.`),
      "451 4.3.1 Too much mail on its way, try again",
    );
    client.socket.destroy();
  }));

test("a spool that breaks answers 451 to that message and to all later ones, never 250", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.inData();
    receiver.files.failNext("sync");
    assert.match(await client.ask("Subject: x\r\n\r\nlost?\r\n."), /^451 4\.3\.0 /);
    await client.ask("MAIL FROM:<news@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("DATA");
    assert.match(await client.ask("Subject: x\r\n\r\nlost?\r\n."), /^451 4\.3\.0 /);
    assert.equal(receiver.accepted.length, 0);
    client.socket.destroy();
  }));

test("errors of a session that brings mail do not add up over its messages", () =>
  withReceiver({ settings: { maxErrors: 3 } }, async (receiver) => {
    const client = await receiver.greeted();
    for (let i = 0; i < 5; i++) {
      await client.ask("WHAT");
      await client.ask("EVER");
      await client.ask("MAIL FROM:<news@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      await client.ask("DATA");
      assert.match(await client.ask("Subject: x\r\n\r\ntext\r\n."), /^250 /);
    }
    client.socket.destroy();
  }));

test("recipients are counted per message: those of a transaction that was reset do not count", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.greeted();
    await client.ask("MAIL FROM:<news@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("RSET");
    await client.ask("MAIL FROM:<news@example.org>");
    await client.ask("RCPT TO:<bob@example.net>");
    await client.ask("DATA");
    await client.ask("Subject: x\r\n\r\ntext\r\n.");
    assert.equal(receiver.counters.acceptedRecipients, 1);
    client.socket.destroy();
  }));

test("a stranger waits for the greeting, and one who speaks first is turned away", () =>
  withReceiver({ relayNetworks: [], settings: { greetDelayMs: 5000 } }, async (receiver) => {
    const impatient = await receiver.connect();
    assert.equal(await impatient.ask("EHLO client.example.org"), "554 5.5.1 The server speaks first");
    await closed(impatient);
    const patient = await receiver.connect();
    await receiver.until(() => receiver.server.sessions === 1, "the session is there");
    receiver.clock.advance(6000);
    assert.match(await patient.reply(), /^220 /);
    patient.socket.destroy();
  }));

test("what the client says about notices goes with the envelope, and is absent when nothing was said", () =>
  withReceiver({}, async (receiver) => {
    const client = await receiver.greeted();
    for (const [mail, rcpt] of [
      ["MAIL FROM:<a@example.org> RET=FULL ENVID=x+2By", "RCPT TO:<b@example.net> NOTIFY=NEVER"],
      ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"],
    ] as const) {
      await client.ask(mail);
      await client.ask("RCPT TO:<first@example.net>");
      await client.ask(rcpt);
      assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
    }
    assert.deepEqual(receiver.accepted[0]?.envelope.dsn, {
      ret: "FULL",
      envid: "x+2By",
      recipients: [null, { notify: ["NEVER"], orcpt: null }],
    });
    assert.equal(receiver.accepted[1]?.envelope.dsn, undefined);
    client.socket.destroy();
  }));

test("chunks and their commands cut at any byte make the same message", () =>
  withReceiver({}, async (receiver) => {
    const bytes = Buffer.from("BDAT 14\r\nSubject: x\r\n\r\nBDAT 7 LAST\r\n.\r\nbb\r\n");
    for (let at = 1; at < bytes.length; at++) {
      const client = await receiver.greeted();
      await client.ask("MAIL FROM:<news@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      client.socket.write(bytes.subarray(0, at));
      await new Promise((resolve) => setTimeout(resolve, 1));
      client.socket.write(bytes.subarray(at));
      assert.equal(await client.reply(), "250 2.0.0 Chunk ok");
      assert.match(await client.reply(), /^250 2\.0\.0 Ok: queued as /);
      const message = receiver.accepted.at(-1);
      assert.ok(message);
      assert.equal(await receiver.content(message), "Subject: x\r\n\r\n.\r\nbb\r\n");
      client.socket.destroy();
    }
  }));

test("a client that drips a chunk is cut, and so is one inside a refused chunk", () =>
  withReceiver({}, async (receiver) => {
    const slow = await receiver.greeted();
    await slow.ask("MAIL FROM:<news@example.org>");
    await slow.ask("RCPT TO:<ann@example.net>");
    slow.socket.write("BDAT 100\r\nx");
    const silent = await receiver.greeted();
    silent.socket.write("BDAT 100\r\nx");
    await receiver.until(() => receiver.openReceptions === 1, "the chunk is read");
    assert.match(await (await receiver.greeted()).ask("NOOP"), /^250/);
    receiver.clock.advance(61_000);
    assert.equal(await slow.reply(), "421 4.4.2 Data comes too slowly");
    assert.equal(await silent.reply(), "421 4.4.2 Data comes too slowly");
    receiver.clock.advance(301_000);
  }));

test("a message that comes in many small chunks is cut like one that drips, also when they are empty", () =>
  withReceiver({}, async (receiver) => {
    for (const chunk of ["BDAT 1\r\nx", "BDAT 0\r\n"]) {
      const client = await receiver.greeted();
      await client.ask("MAIL FROM:<news@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      for (let seconds = 0; seconds < 60; seconds += 20) {
        assert.equal(await client.ask(Buffer.from(chunk)), "250 2.0.0 Chunk ok");
        receiver.clock.advance(20_000);
      }
      receiver.clock.advance(2000);
      assert.equal(await client.reply(), "421 4.4.2 Data comes too slowly");
    }
    assert.equal(receiver.accepted.length, 0);
  }));

test("mail that a full disk turns away is counted apart from mail that is refused for what it is", () =>
  withReceiver({ floorBytes: 1e15 }, async (receiver) => {
    const client = await receiver.connect();
    await client.reply();
    await client.ask("EHLO client.example.org");
    const send = async (content: string): Promise<string> => {
      await client.ask("MAIL FROM:<news@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      await client.ask("DATA");
      return client.ask(`${content}\r\n.`);
    };
    assert.equal(await send("Subject: x\r\n\r\nhidden"), "452 4.3.1 Insufficient system storage");
    assert.match(await send("x".repeat(20_000)), /^5/);
    const { refusedMessages, refusedForRoom } = receiver.counters;
    assert.deepEqual([refusedMessages, refusedForRoom], [2, 1]);
    client.socket.destroy();
  }));
