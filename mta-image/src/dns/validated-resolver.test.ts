import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, type Server, createServer } from "node:net";
import { test } from "node:test";
import { type Packet, decode, encode, streamEncode } from "dns-packet";
import fc from "fast-check";

import { systemClock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { DnsServer } from "../../testing/dns-server.ts";
import { judgeDnsAnswer, readDnsAnswer } from "./question.ts";
import { TrustedServers } from "./validated-resolver.ts";

test("an answer is authentic when the server says so, and kept for its time", async (t) => {
  const dns = await DnsServer.start({
    "signed.example": { a: ["192.0.2.1"], isAuthentic: true },
    "plain.example": { a: ["192.0.2.2"] },
  });
  t.after(() => dns.stop());
  const resolver = new TrustedServers({
    clock: new ManualClock(),
    servers: [dns.address],
    timeoutMs: 60_000,
  });
  const signed = await resolver.ask("signed.example", "A");
  assert.deepEqual([signed.kind, signed.isAuthentic, signed.records], ["found", true, ["192.0.2.1"]]);
  assert.equal((await resolver.ask("plain.example", "A")).isAuthentic, false);
  assert.equal((await resolver.ask("none.example", "A")).kind, "no-domain");
  await resolver.ask("SIGNED.example", "A");
  assert.deepEqual(dns.asked, ["a signed.example", "a plain.example", "a none.example"]);
});

test("a bogus zone and a server that is silent are failures", async (t) => {
  const dns = await DnsServer.start({ "bogus.example": { code: 2 }, "silent.example": { isSilent: true } });
  t.after(() => dns.stop());
  const within = (timeoutMs: number): TrustedServers =>
    new TrustedServers({ clock: systemClock, servers: [dns.address], timeoutMs });
  assert.equal((await within(60_000).ask("bogus.example", "A")).reason, "SERVFAIL");
  assert.equal((await within(50).ask("silent.example", "A")).reason, "no answer in time");
});

test("answers with another number or to another question are not heard, nor is what is no DNS", async (t) => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => socket.close());
  const forged = [{ type: "A", name: "x.example", data: "198.51.100.66", ttl: 60 }] as const;
  socket.on("message", (bytes, from) => {
    const { id = 0, questions = [] } = decode(bytes);
    const say = (reply: Buffer): void => socket.send(reply, from.port, from.address);
    say(Buffer.from("this is no answer"));
    say(encode({ type: "response", id: (id + 1) % 65_536, questions, answers: [...forged] }));
    say(
      encode({ type: "response", id, questions: [{ type: "A", name: "y.example" }], answers: [...forged] }),
    );
    say(encode({ type: "response", id, questions, answers: [{ ...forged[0], data: "192.0.2.1" }] }));
  });
  const server = `127.0.0.1:${socket.address().port}`;
  const resolver = new TrustedServers({ clock: systemClock, servers: [server], timeoutMs: 60_000 });
  assert.deepEqual((await resolver.ask("x.example", "A")).records, ["192.0.2.1"]);
});

test("an answer that is cut is asked for again over TCP", async (t) => {
  const tcp: Server = createServer((connection) => {
    connection.on("data", (bytes: Buffer) => {
      const { id = 0, questions = [] } = decode(bytes.subarray(2));
      const answers = [{ type: "A", name: "x.example", data: "192.0.2.9", ttl: 60 }] as const;
      const reply = streamEncode({ type: "response", id, flags: 0x20, questions, answers: [...answers] });
      connection.write(reply.subarray(0, 5));
      setTimeout(() => connection.write(reply.subarray(5)), 5);
    });
    connection.on("error", () => {});
  });
  await once(tcp.listen(0, "127.0.0.1"), "listening");
  const { port } = tcp.address() as AddressInfo;
  // TCP first: many more of its ports are taken.
  const socket = createSocket("udp4");
  await once(socket.bind(port, "127.0.0.1"), "listening");
  t.after(() => {
    socket.close();
    tcp.close();
  });
  socket.on("message", (bytes, from) => {
    const { id = 0, questions = [] } = decode(bytes);
    socket.send(encode({ type: "response", id, flags: 0x200, questions }), from.port, from.address);
  });
  const resolver = new TrustedServers({
    clock: systemClock,
    servers: [`127.0.0.1:${port}`],
    timeoutMs: 60_000,
  });
  const answer = await resolver.ask("x.example", "A");
  assert.deepEqual([answer.records, answer.isAuthentic], [["192.0.2.9"], true]);
});

test("an answer that is cut, changed or made of any bytes is none, or records within its bounds", () => {
  const questions = [{ type: "TLSA", name: "_25._tcp.mx.example" }] as const;
  const question: Packet = { type: "query", id: 7, questions: [...questions] };
  const tlsa = { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 1) };
  const answers = [{ type: "TLSA", name: questions[0].name, ttl: 60, data: tlsa }] as const;
  const sound = encode({ type: "response", id: 7, questions: [...questions], answers: [...answers] });
  const judged = (bytes: Buffer): void => {
    const answer = readDnsAnswer(bytes, question);
    if (answer === null) return;
    const found = judgeDnsAnswer(answer, "TLSA");
    assert.match(found.kind, /^(?:found|none|no-domain|failed)$/);
    assert.ok(found.records.length <= bytes.length && found.ttlMs >= 0);
    for (const { certificate } of found.records as (typeof tlsa)[])
      assert.ok(certificate.length <= bytes.length);
  };
  assert.deepEqual(judgeDnsAnswer(readDnsAnswer(sound, question) ?? {}, "TLSA").records, [tlsa]);
  for (let at = 0; at < sound.length; at++) {
    judged(sound.subarray(0, at));
    for (let byte = 0; byte < 256; byte++) {
      const changed = Buffer.from(sound);
      changed[at] = byte;
      judged(changed);
    }
  }
  const header = sound.subarray(0, 12);
  const any = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(any, fc.boolean(), (bytes, isHeaded) =>
      judged(isHeaded ? Buffer.concat([header, bytes]) : bytes),
    ),
    { numRuns: 1000 },
  );
});
