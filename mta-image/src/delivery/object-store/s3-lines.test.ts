import assert from "node:assert/strict";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { type TestContext, test } from "node:test";

import type { Clock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { until } from "../../../testing/until.ts";
import type { S3Answer } from "./s3-answer.ts";
import { S3Lines } from "./s3-lines.ts";

/** What a line of the store does with what it got so far. */
type Behave = (line: Line) => void;

interface Line {
  readonly number: number;
  readonly socket: Socket;
  /** All bytes so far. */
  readonly text: string;
}

interface Rig {
  readonly lines: Line[];
  send(method: "PUT" | "POST", body?: Buffer): Promise<S3Answer>;
}

/** No time passes but what a test lets pass: a body that waits to be asked for is not sent unasked on a slow machine. */
async function start(t: TestContext, behave: Behave, clock: Clock = new ManualClock()): Promise<Rig> {
  const lines: Line[] = [];
  const server = createServer((socket) => {
    const line = { number: lines.length + 1, socket, text: "" };
    lines.push(line);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      line.text += bytes.toString("latin1");
      behave(line);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const limits = { connectMs: 60_000, answerMs: 60_000, maxConnections: 1 };
  const store = new S3Lines({ clock, ca: null, isTls: false, ...limits });
  t.after(() => {
    store.close();
    for (const { socket } of lines) socket.destroy();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mail/k`);
  const { signal } = new AbortController();
  const send: Rig["send"] = (method, body = Buffer.from("hello")) =>
    store.exchange({ url, method, headers: {}, body, signal });
  return { lines, send };
}

const answer = (status: string, body = ""): string =>
  `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const GO_ON = "HTTP/1.1 100 Continue\r\n\r\n";
const large = Buffer.alloc(1_000_000, "x");
const bodyOf = (line: Line): string => line.text.slice(line.text.indexOf("\r\n\r\n") + 4);
const isWhole = (line: Line): boolean => bodyOf(line).length === large.length;

test("a line is used again after a success", async (t) => {
  const { lines, send } = await start(t, ({ socket }) => socket.write(answer("200 OK")));
  for (let i = 0; i < 3; i++) assert.equal((await send("PUT")).status, 200);
  assert.equal(lines.length, 1);
});

test("a line that brought an error is not used again, for the store may not have read the body", async (t) => {
  const { lines, send } = await start(t, ({ socket, number }) => {
    // The second answer is to the body of the refused request, taken for a request of its own.
    if (number === 1) socket.write(answer("403 Forbidden", "<Code>A</Code>") + answer("400 Bad Request"));
    else socket.write(answer("200 OK"));
  });
  assert.deepEqual(await send("PUT"), { status: 403, etag: "", retryAfter: "", body: "<Code>A</Code>" });
  assert.equal((await send("PUT")).status, 200);
  assert.equal(lines.length, 2);
});

test("a large body is not sent to a store that refuses by the head", async (t) => {
  const { lines, send } = await start(t, ({ socket, text }) => {
    assert.match(text, /\r\nexpect: 100-continue\r\n/i);
    socket.write(answer("403 Forbidden", "<Code>A</Code>"));
  });
  assert.equal((await send("PUT", large)).status, 403);
  assert.equal(bodyOf(lines[0] as Line), "");
});

test("an answer in the midst of the body ends the upload and its line", async (t) => {
  const { lines, send } = await start(t, (line) => {
    if (line.number === 2) return void line.socket.write(answer("200 OK"));
    if (bodyOf(line) === "") return void line.socket.write(GO_ON);
    line.socket.write(answer("503 Slow Down"));
    line.socket.pause();
  });
  assert.equal((await send("PUT", Buffer.alloc(30_000_000))).status, 503);
  assert.equal((await send("PUT")).status, 200);
  assert.equal(lines.length, 2);
});

test("a large body goes when the store says so, and after a while when it says nothing", async (t) => {
  const clock = new ManualClock();
  let asks = true;
  const behave: Behave = (line) => {
    if (isWhole(line)) line.socket.write(answer("200 OK\r\nconnection: close"));
    else if (asks && bodyOf(line) === "") line.socket.write(GO_ON);
  };
  const { lines, send } = await start(t, behave, clock);
  assert.equal((await send("PUT", large)).status, 200);
  asks = false;
  const second = send("PUT", large);
  await until(
    () => lines[1]?.text ?? "",
    (text) => text.endsWith("\r\n\r\n"),
  );
  clock.advance(1000);
  assert.equal((await second).status, 200);
});

test("the status of an error counts, though its text breaks off; a success must be whole", async (t) => {
  const { send } = await start(t, ({ socket, number }) => {
    socket.end(`HTTP/1.1 ${number === 1 ? "503 Slow Down" : "200 OK"}\r\ncontent-length: 99\r\n\r\n<Error>`);
  });
  assert.deepEqual(await send("PUT"), { status: 503, etag: "", retryAfter: "", body: "<Error>" });
  await assert.rejects(send("POST"), { code: "ECONNRESET" });
});

test("what breaks without an answer is tried once more on a line of its own, where twice is once", async (t) => {
  const { lines, send } = await start(t, ({ socket, number, text }) => {
    if (number === 1 && text.split("hello").length === 2) socket.write(answer("200 OK"));
    else if (number === 2) socket.write(answer("200 OK"));
    else socket.destroy();
  });
  await send("PUT");
  assert.equal((await send("PUT")).status, 200);
  assert.equal(lines.length, 2);
  await assert.rejects(send("POST"), { code: "ECONNRESET" });
  assert.equal(lines.length, 3);
  await assert.rejects(send("PUT"), { code: "ECONNRESET" });
  assert.equal(lines.length, 5);
});

test("a refusal that was lost with its line is heard the second time", async (t) => {
  const { lines, send } = await start(t, (line) => {
    if (bodyOf(line) === "") return void line.socket.write(GO_ON);
    if (line.number === 1) return void line.socket.resetAndDestroy();
    line.socket.pause();
    line.socket.write(answer("403 Forbidden"));
  });
  assert.equal((await send("PUT", large)).status, 403);
  const [, second] = lines;
  assert.ok(second !== undefined && bodyOf(second).length <= 16_384);
});

test("what is not HTTP is an error that says so", async (t) => {
  const { send } = await start(t, ({ socket }) => socket.write("220 mail.example.net ESMTP\r\n"));
  await assert.rejects(send("PUT"), { message: /Expected HTTP/ });
});
