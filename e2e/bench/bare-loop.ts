/**
 * The least that a durable relay can be in one Node process: it takes every command, writes what came to one file with
 * one fdatasync for all who wait, says 250 and hands it on. No checks, no queue, no retries, no recovery: what is left
 * between it and a server is the price of being one.
 *
 *   node e2e/bench/bare-loop.ts PORT SINK_PORT FILE
 */
import { open } from "node:fs/promises";
import { type Socket, connect, createServer } from "node:net";

const [port, sinkPort, path = ""] = process.argv.slice(2);
const END = Buffer.from("\r\n.\r\n");
const CONNECTIONS = 20;

interface Mail {
  readonly content: Buffer;
  readonly done: () => void;
}

const file = await open(path, "a");
let batch: Mail[] = [];
let isWriting = false;

function commit(mail: Mail): void {
  batch.push(mail);
  if (!isWriting) setImmediate(() => void write());
}

async function write(): Promise<void> {
  if (isWriting) return;
  isWriting = true;
  while (batch.length > 0) {
    const mails = batch;
    batch = [];
    await file.writev(mails.map(({ content }) => content));
    await file.datasync();
    for (const { content, done } of mails) {
      done();
      forward(content);
    }
  }
  isWriting = false;
}

const GROUP = "MAIL FROM:<sender@example.org>\r\nRCPT TO:<user@example.net>\r\nDATA\r\n";

/** A connection to the sink; behind the content of one message goes the group of the next. */
class Way {
  readonly #socket: Socket;
  #rest = "";
  /** Its group was sent. */
  #content: Buffer | null = null;
  isFree = false;

  constructor() {
    this.#socket = connect({ host: "127.0.0.1", port: Number(sinkPort), noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk.toString("latin1")));
    this.#socket.on("error", () => this.#socket.destroy());
  }

  send(content: Buffer): void {
    this.isFree = false;
    this.#content = content;
    this.#socket.write(GROUP);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("220 ")) this.#socket.write("EHLO bare.example.org\r\n");
      else if (line.startsWith("354 ")) this.#sendContent();
      else if (line.startsWith("250 ") && this.#content === null) this.#next();
    }
  }

  #sendContent(): void {
    const next = waiting.shift() ?? null;
    this.#socket.cork();
    this.#socket.write(this.#content ?? "");
    if (next !== null) this.#socket.write(GROUP);
    this.#socket.uncork();
    this.#content = next;
  }

  /** Nothing was sent behind the message that the sink has just taken. */
  #next(): void {
    const content = waiting.shift();
    if (content === undefined) this.isFree = true;
    else this.send(content);
  }
}

const waiting: Buffer[] = [];
const ways = Array.from({ length: CONNECTIONS }, () => new Way());

function forward(content: Buffer): void {
  const way = ways.find(({ isFree }) => isFree);
  if (way === undefined) waiting.push(content);
  else way.send(content);
}

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] | null = null;
  const line = (text: string): void => {
    const verb = text.slice(0, 4).toUpperCase();
    if (verb === "DATA") {
      pieces = [];
      socket.write("354 go on\r\n");
    } else if (verb === "QUIT") socket.end("221 bye\r\n");
    else socket.write("250 ok\r\n");
  };
  const content = (data: Buffer, into: Buffer[]): void => {
    into.push(data);
    // smtp-source sends nothing ahead: the end of data is the end of what came.
    const tail = into.length === 1 ? data : Buffer.concat(into.slice(-2));
    if (!tail.subarray(-END.length).equals(END)) return;
    pieces = null;
    commit({ content: Buffer.concat(into), done: () => socket.write("250 queued\r\n") });
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (pieces !== null) return content(chunk, pieces);
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const text = rest.toString("latin1", 0, end);
      rest = rest.subarray(end + 1);
      line(text);
    }
  });
  socket.write("220 bare.example.org ESMTP\r\n");
}

if (import.meta.main) createServer({ noDelay: true }, serve).listen(Number(port), "127.0.0.1");
