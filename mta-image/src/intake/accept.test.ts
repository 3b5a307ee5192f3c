import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeEnvelope, someOrigin } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import type { DiskSpool } from "../spool/disk-spool.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import { makeIntake } from "./accept.ts";
import type { Intake } from "./intake.ts";

interface Rig {
  readonly files: FaultyFiles;
  readonly spool: DiskSpool;
  readonly intake: Intake;
  readonly figures: { bytesInFlight: number };
  readonly queued: SpooledMessage[];
}

async function setUp({ inlineBytes = 1000 } = {}): Promise<Rig> {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const spool = await openSpool(files, clock);
  const figures = { bytesInFlight: 0 };
  const queued: SpooledMessage[] = [];
  const intake = makeIntake({
    spool,
    clock,
    log: silentLog,
    enqueue: (message) => queued.push(message),
    settings: () => ({ hostname: "mx.example.org", maxHops: 3 }),
    inlineBytes,
    maxBytesInFlight: 10 * inlineBytes,
    figures,
  });
  return { files, spool, intake, figures, queued };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("content that drips in byte by byte is kept whole behind one trace field", async () => {
  const { intake, spool, queued, figures } = await setUp();
  const text = `Subject: slow\r\n\r\n${"0123456789".repeat(60)}\r\n`;
  const reception = intake.begin(makeEnvelope(), someOrigin);
  for (const byte of Buffer.from(text)) void reception.write(Buffer.from([byte]));
  const result = await reception.commit();
  assert.deepEqual(result, { kind: "accepted", id: reception.id });
  const stored = (await bytesOf(spool, reception.id)).toString();
  assert.ok(stored.startsWith("Received: from client.example.org"));
  assert.ok(stored.endsWith(text));
  assert.equal(queued[0]?.sizeBytes, stored.length);
  assert.equal(figures.bytesInFlight, 0);
});

for (const bytes of [100, 5000]) {
  test(`fields that are handed over at the end stand in front of all others, with ${bytes} bytes`, async () => {
    const { intake, spool, figures } = await setUp();
    const reception = intake.begin(makeEnvelope(), someOrigin);
    await reception.write(Buffer.alloc(bytes, "x"));
    await reception.commit("X-One: 1\r\n");
    const stored = (await bytesOf(spool, reception.id)).toString();
    assert.match(stored, /^X-One: 1\r\nReceived: from client\.example\.org/);
    assert.ok(stored.endsWith("x".repeat(bytes)));
    assert.equal(figures.bytesInFlight, 0);
  });
}

test("pieces small and large that cross into a body file come out in order", async () => {
  const { intake, spool, figures } = await setUp();
  const reception = intake.begin(makeEnvelope(), { ...someOrigin, kind: "notice" });
  const pieces = Array.from({ length: 60 }, (_, i) => Buffer.alloc(1 + ((i * 37) % 700), 65 + (i % 26)));
  for (const piece of pieces) await reception.write(piece);
  assert.equal((await reception.commit()).kind, "accepted");
  assert.deepEqual(await bytesOf(spool, reception.id), Buffer.concat(pieces));
  assert.equal(figures.bytesInFlight, 0);
});

test("large mail is kept in the pieces that it came in, without a copy", async () => {
  const { intake, spool } = await setUp({ inlineBytes: 100_000 });
  const pieces = [Buffer.alloc(30_000, "a"), Buffer.alloc(20_000, "b")];
  const reception = intake.begin(makeEnvelope(), { ...someOrigin, kind: "notice" });
  for (const piece of pieces) void reception.write(piece);
  await reception.commit();
  const content = await spool.read(reception.id);
  assert.ok(content.kind === "memory");
  assert.deepEqual(
    content.pieces?.map(({ buffer }) => buffer),
    pieces.map(({ buffer }) => buffer),
  );
  assert.deepEqual(content.bytes, Buffer.concat(pieces));
});

test("a piece that is a small part of what the network brought holds no more memory than its own", async () => {
  const { intake, spool } = await setUp({ inlineBytes: 100_000 });
  const reception = intake.begin(makeEnvelope(), { ...someOrigin, kind: "notice" });
  for (let n = 0; n < 3; n++) void reception.write(Buffer.alloc(65_536, `${n}`).subarray(1000, 9000));
  await reception.commit();
  const content = await spool.read(reception.id);
  assert.ok(content.kind === "memory");
  const held = new Set(content.pieces?.map(({ buffer }) => buffer));
  assert.ok([...held].reduce((sum, { byteLength }) => sum + byteLength, 0) <= 30_000);
  assert.equal(content.bytes.toString(), ["0", "1", "2"].map((n) => n.repeat(8000)).join(""));
});

test("a message given up while its body file is being made leaves no file and no byte", async () => {
  const { intake, files, figures } = await setUp();
  const reception = intake.begin(makeEnvelope(), someOrigin);
  void reception.write(Buffer.alloc(5000));
  reception.abort();
  await turns();
  assert.deepEqual(files.paths(), ["reserve", "segments/0000000001.log"]);
  assert.equal(files.openFiles, 1);
  assert.equal(figures.bytesInFlight, 0);
});

test("a body file that cannot be written refuses its message alone", async () => {
  const { intake, files, queued, figures } = await setUp();
  const reception = intake.begin(makeEnvelope(), someOrigin);
  files.failNext("append");
  await reception.write(Buffer.alloc(5000));
  const result = await reception.commit();
  assert.ok(result.kind === "refused");
  assert.equal(result.reply.code, 451);
  const next = intake.begin(makeEnvelope(), someOrigin);
  void next.write(Buffer.from("Subject: x\r\n\r\n"));
  assert.equal((await next.commit()).kind, "accepted");
  await turns();
  assert.deepEqual(files.paths(), ["reserve", "segments/0000000001.log"]);
  assert.equal(queued.length, 1);
  assert.equal(figures.bytesInFlight, 0);
});

test("a message in a loop is refused, a notice of ours is not asked", async () => {
  const { intake } = await setUp();
  const text = Buffer.from(`${"Received: by a\r\n".repeat(4)}\r\n`);
  const looping = intake.begin(makeEnvelope(), someOrigin);
  void looping.write(text);
  const result = await looping.commit();
  assert.equal(result.kind === "refused" && result.reply.enhanced, "5.4.6");
  const notice = intake.begin(makeEnvelope(), { ...someOrigin, kind: "notice" });
  void notice.write(text);
  assert.equal((await notice.commit()).kind, "accepted");
});

test("TLS-Required: No of the header is kept with the envelope, unless the client required TLS", async () => {
  const { intake, queued } = await setUp();
  for (const requireTls of [undefined, true]) {
    const reception = intake.begin(makeEnvelope({ requireTls }), someOrigin);
    void reception.write(Buffer.from("Subject: x\r\nTLS-Required: No\r\n\r\n"));
    await reception.commit();
  }
  assert.deepEqual(
    queued.map(({ envelope }) => envelope.tlsOptional),
    [true, undefined],
  );
});

test("SMTPUTF8 that was asked for is kept only where addresses or content need it", async () => {
  const { intake, queued } = await setUp();
  for (const [sender, subject] of [
    ["ann@example.org", "x"],
    ["ann@example.org", "ö"],
    ["jörg@example.org", "x"],
    ["ann@exämple.org", "x"],
  ] as const) {
    const reception = intake.begin(makeEnvelope({ sender, smtpUtf8: true }), someOrigin);
    void reception.write(Buffer.from(`Subject: ${subject}\r\n\r\ngrüße\r\n`));
    await reception.commit();
  }
  assert.deepEqual(
    queued.map(({ envelope }) => envelope.smtpUtf8),
    [false, true, true, false],
  );
});

test("a message for which a quota has no room is refused with 452 and leaves nothing; a notice is not asked", async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const spool = await openSpool(files, clock);
  const figures = { bytesInFlight: 0 };
  const settings = () => ({ hostname: "mx.example.org", maxHops: 3 });
  const reserve = () => ({ kind: "full", id: "tenants" }) as const;
  const intake = makeIntake({ spool, clock, log: silentLog, enqueue: () => {}, settings, figures, reserve });
  const reception = intake.begin(makeEnvelope(), someOrigin);
  void reception.write(Buffer.from("Subject: x\r\n\r\n"));
  const result = await reception.commit();
  assert.ok(result.kind === "refused");
  assert.deepEqual([result.reply.code, result.reply.enhanced], [452, "4.3.1"]);
  assert.match(result.reply.text, /Quota tenants is full/);
  assert.deepEqual([figures.bytesInFlight, spool.figures().messages], [0, 0]);
  const notice = intake.begin(makeEnvelope(), { ...someOrigin, kind: "notice" });
  assert.equal((await notice.commit()).kind, "accepted");
});
