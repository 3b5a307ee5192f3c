/** Sockets that are read in turns, over the real addon and loopback: the same as Node's to who uses them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";

import { type Pair, PairMaker, openBatch } from "../../testing/batched-sockets.ts";
import { byteCuts } from "../../testing/byte-cuts.ts";
import { until } from "../../testing/until.ts";
import { descriptorOf } from "./adopt.ts";
import { BatchedSocket } from "./batched-socket.ts";

const batch = openBatch();
const untilTrue = (look: () => boolean): Promise<boolean> => until(look, (seen) => seen);
let pairs: PairMaker;
before(async () => {
  pairs = await PairMaker.start(batch);
});
after(() => pairs.stop());

/** What a socket tells, in order: texts of bytes, and names of the rest. */
function told({ served }: Pair): string[] {
  const lines: string[] = [];
  served.on("data", (chunk: Buffer) => lines.push(chunk.toString("latin1")));
  for (const name of ["end", "close", "drain"]) served.on(name, () => lines.push(`(${name})`));
  served.on("error", (error: NodeJS.ErrnoException) => lines.push(`(${error.syscall} ${error.code})`));
  return lines;
}

function echo({ served }: Pair): void {
  served.on("data", (chunk: Buffer) => served.write(chunk));
  served.on("end", () => served.end());
  served.on("error", () => {});
}

test("bytes come whole and in order however they are cut, and go back the same way", async () => {
  const line = Buffer.from("MAIL FROM:<>\r\n");
  const pair = await pairs.pair();
  echo(pair);
  let back = "";
  pair.client.on("data", (chunk: Buffer) => (back += chunk.toString("latin1")));
  let wanted = 0;
  for (const pieces of byteCuts(line)) {
    for (const piece of pieces) {
      pair.client.write(piece);
      await new Promise(setImmediate);
    }
    wanted += line.length;
    await untilTrue(() => back.length === wanted);
  }
  assert.equal(back, line.toString().repeat(wanted / line.length));
  pair.client.end();
  await once(pair.served, "close");
});

test("a client that does not read is waited for, and gets everything once it does", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  pair.client.pause();
  const content = Buffer.alloc(
    9_000_001,
    Uint8Array.from({ length: 251 }, (_, i) => i),
  );
  pair.served.cork();
  for (let at = 0; at < content.length; at += 50_000) pair.served.write(content.subarray(at, at + 50_000));
  assert.equal(pair.served.write(""), false);
  pair.served.uncork();
  assert.ok(pair.served.writableLength > 65_536);
  pair.served.end();
  assert.equal(pair.served.write("behind the end"), false);
  const got: Buffer[] = [];
  for await (const chunk of pair.client) got.push(chunk as Buffer);
  assert.ok(Buffer.concat(got).equals(content));
  assert.deepEqual(lines, ["(drain)"]);
  assert.equal(pair.served.writableLength, 0);
});

test("what has come is told at once when somebody looks, and of a paused or closed one nothing", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  /** The system may take a moment to bring it, or a minute; no turn of the loop can pass meanwhile. */
  const lookFor = (count: number): void => {
    const end = performance.now() + 60_000;
    while (lines.length < count && performance.now() < end) pair.served.look();
  };
  pair.client.write("MAIL");
  lookFor(1);
  assert.deepEqual(lines, ["MAIL"]);
  pair.served.pause();
  pair.client.write(" FROM");
  pair.served.look();
  assert.deepEqual(lines, ["MAIL"]);
  pair.served.resume();
  lookFor(2);
  assert.deepEqual(lines, ["MAIL", " FROM"]);
  pair.served.destroy();
  pair.served.look();
});

test("one that is reset says what happened once, then that it is closed", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  pair.client.write("MAIL FR");
  await untilTrue(() => lines.length === 1);
  pair.client.resetAndDestroy();
  await untilTrue(() => lines.includes("(close)"));
  pair.served.destroy();
  pair.served.write("nobody hears this");
  await new Promise(setImmediate);
  assert.deepEqual(lines, ["MAIL FR", "(read ECONNRESET)", "(close)"]);
});

test("one that is reset while it waits to send, and is not read, is closed too", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  pair.client.pause();
  pair.served.pause();
  while (pair.served.write(Buffer.alloc(65_000)));
  await untilTrue(() => pair.served.writableLength > 0);
  pair.client.resetAndDestroy();
  await untilTrue(() => lines.includes("(close)"));
  assert.match(lines.join(), /^\((?:read|write) (?:ECONNRESET|EPIPE)\),\(close\)$/);
});

test("a client that closed its side still gets its reply", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  pair.client.end("QUIT\r\n");
  await untilTrue(() => lines.includes("(end)"));
  assert.equal(pair.served.write("221 bye\r\n"), true);
  let got = "";
  pair.client.on("data", (chunk: Buffer) => (got += chunk.toString()));
  pair.served.end();
  await once(pair.client, "end");
  await untilTrue(() => lines.includes("(close)"));
  assert.equal(got, "221 bye\r\n");
  assert.deepEqual(lines, ["QUIT\r\n", "(end)", "(close)"]);
});

test("what was written before destroy is sent, also by who reads", async () => {
  const pair = await pairs.pair();
  pair.served.on("data", () => {
    pair.served.cork();
    pair.served.write("221 ");
    pair.served.write("bye\r\n");
    pair.served.uncork();
    assert.equal(pair.served.writableLength, 0);
    pair.served.destroy();
  });
  let got = "";
  pair.client.on("data", (chunk: Buffer) => (got += chunk.toString()));
  pair.client.write("QUIT\r\n");
  await once(pair.client, "end");
  assert.equal(got, "221 bye\r\n");
});

test("all of what was written before destroy is sent, in however many pieces", async () => {
  const pair = await pairs.pair();
  const lines = Array.from({ length: 300 }, (_, i) => `250 ${i}\r\n`);
  pair.served.on("data", () => {
    for (const line of lines) pair.served.write(line);
    pair.served.destroy();
  });
  let got = "";
  pair.client.on("data", (chunk: Buffer) => (got += chunk.toString()));
  pair.client.write("RSET\r\n".repeat(300));
  await once(pair.client, "end");
  assert.equal(got, lines.join(""));
});

test("what waits for the end of the turn is sent by flush, and what the system does not take is seen", async () => {
  const pair = await pairs.pair();
  const content = Buffer.alloc(9_000_001, "250 x\r\n");
  pair.client.pause();
  let left: number[] = [];
  pair.served.on("data", () => {
    pair.served.write(content);
    left = [pair.served.writableLength];
    pair.served.flush();
    left.push(pair.served.writableLength);
    pair.served.end();
  });
  pair.client.write("x");
  await untilTrue(() => left.length === 2);
  const [before = -1, behind = -1] = left;
  assert.equal(before, 0);
  assert.ok(behind > 0 && behind < content.length, String(behind));
  let bytes = 0;
  for await (const chunk of pair.client) bytes += (chunk as Buffer).length;
  assert.equal(bytes, content.length);
});

test("a paused one tells nothing, and all of it in order when it is resumed, the end last", async () => {
  const pair = await pairs.pair();
  const other = await pairs.pair();
  const lines = told(pair);
  // It is paused by another that is told of first, when its own bytes have been read already.
  other.served.on("data", () => pair.served.pause());
  other.client.write("x");
  pair.client.write("first ");
  await once(other.served, "data");
  pair.client.end("second");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = lines.join("");
  pair.served.resume();
  await untilTrue(() => lines.includes("(end)"));
  assert.ok("first ".startsWith(before));
  assert.equal(lines.join(""), "first second(end)");
});

test("one that another destroys in the same turn hears nothing, nor does who comes in its place", async () => {
  const made: Pair[] = [];
  for (let i = 0; i < 8; i++) made.push(await pairs.pair());
  const spare = await pairs.pair();
  const heard: number[] = [];
  let fresh: BatchedSocket | null = null;
  for (const [mine, { served }] of made.entries())
    served.on("data", () => {
      heard.push(mine);
      if (fresh !== null) return;
      for (const other of made) if (other.served !== served) other.served.destroy();
      const { client } = spare;
      const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
      fresh = BatchedSocket.open(batch, fd, client);
      fresh?.on("data", (chunk: Buffer) => heard.push(chunk.length + 1000));
    });
  for (const { client } of made) client.write("x");
  await untilTrue(() => heard.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard.length, 1);
  (fresh as BatchedSocket | null)?.destroy();
});

test("what a listener throws is thrown as by an event of Node's, and keeps it from nobody else", async () => {
  const bad = await pairs.pair();
  const good = await pairs.pair();
  const lines = told(good);
  const thrown: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
  try {
    bad.served.on("data", () => {
      throw new Error("a bug");
    });
    bad.client.write("x");
    good.client.write("y");
    await untilTrue(() => thrown.length === 1 && lines.length === 1);
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  assert.match(String(thrown[0]), /a bug/);
  assert.deepEqual(lines, ["y"]);
});

test("those that send much keep nobody from being read", async () => {
  const made: Pair[] = [];
  for (let i = 0; i < 100; i++) made.push(await pairs.pair());
  const reads = made.map(() => 0);
  let most = 0;
  made.forEach(({ client, served }, mine) => {
    served.pause();
    served.on("data", () => {
      reads[mine] = (reads[mine] ?? 0) + 1;
      if (reads.includes(0)) most = Math.max(most, ...reads);
    });
    client.write(Buffer.alloc(mine % 10 === 0 ? 5 : 400_000));
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const { served } of made) served.resume();
  await untilTrue(() => !reads.includes(0));
  assert.ok(most <= 3, `one was read ${most} times before another was read at all`);
  for (const { client, served } of made) {
    client.destroy();
    served.destroy();
  }
});

test("a thousand connections at once, and no descriptor is left open behind them", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = open();
  const made: Pair[] = [];
  for (let i = 0; i < 1000; i++) made.push(await pairs.pair());
  const texts = made.map(() => "");
  made.forEach((pair, i) => {
    echo(pair);
    pair.client.on("data", (chunk: Buffer) => (texts[i] += chunk.toString()));
  });
  for (const part of ["EHLO ", "client"])
    for (const [i, { client }] of made.entries()) client.write(`${part}${i}`);
  await untilTrue(() => texts.every((text, i) => text.length === 11 + 2 * String(i).length));
  for (const [i, text] of texts.entries()) assert.equal(text, `EHLO ${i}client${i}`);
  // Half of them in order, half of them not.
  for (const [i, { client }] of made.entries()) {
    if (i % 2 === 0) client.end();
    else client.resetAndDestroy();
  }
  await untilTrue(() => made.every(({ served }) => served.destroyed));
  await untilTrue(() => open() <= before);
});

test("one that is given back goes on as a socket of Node's with what was not read and not sent", async () => {
  const pair = await pairs.pair();
  const lines = told(pair);
  pair.client.pause();
  const content = Buffer.alloc(6_000_000, "mail ");
  pair.served.write(content);
  const socket = pair.served.giveBack();
  pair.client.write("still to be read");
  const [chunk] = (await once(socket, "data")) as [Buffer];
  assert.equal(chunk.toString(), "still to be read");
  socket.end();
  const got: Buffer[] = [];
  for await (const piece of pair.client) got.push(piece as Buffer);
  assert.ok(Buffer.concat(got).equals(content));
  assert.deepEqual(lines, []);
  socket.destroy();
});

test("a descriptor that is none is refused, and so is a slot that nobody has", () => {
  assert.equal(BatchedSocket.open(batch, 1_000_000, {}), null);
  assert.throws(() => batch.addon.send(60_000, Buffer.from("x")), /no such socket/);
  assert.throws(() => batch.addon.close(-1), /no such socket/);
  assert.throws(() => batch.addon.open(Buffer.alloc(1), new Int32Array(1), () => {}), /opened once/);
});

test("how many a process has is bounded by its descriptors alone", async () => {
  const pair = await pairs.pair();
  const descriptor = descriptorOf(pair.client);
  let refused = 0;
  // Places that are left in a turn are given to nobody before its end, so that each of these takes one more.
  pair.served.once("data", () => {
    for (let i = 0; i < 70_000; i++) {
      const slot = batch.addon.adopt(descriptor);
      if (slot < 0) refused++;
      else batch.addon.close(slot);
    }
    pair.served.write("done", "utf8");
  });
  pair.client.write("x");
  await once(pair.client, "data");
  assert.equal(refused, 0);
});
