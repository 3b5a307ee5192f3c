/**
 * A client "somewhere else" that never stops sending: so many messages a second over a few connections, each with a
 * recipient of its own, whatever happens to the server. Some it gives up in the middle, as a client that dies. It keeps
 * which recipients got a 250, and each time that it was turned away without a word: refused, cut, or hung up on without 421.
 * A process of its own (inside a network namespace), asked over standard input, one word a line:
 *
 *   rate N      messages a second from now on; answers {"rate":N}
 *   report      {"accepted":2000,"unclear":1,"putOff":12}
 *   accepted    ["1.s@example.net", …]
 *   abandoned   those whose message was cut off half way: nobody may ever get it
 *   rebuffs     [{"at":1790000000000,"what":"connect ECONNREFUSED"}, …]
 *   greetings   [1790000000000, …] when somebody answered a connection, with a 421 as well
 *
 * `unclear`: the line broke between the end of data and the reply; the server may have it or not. Such a recipient is
 * never used again and counts for nothing.
 */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    address: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "25" },
    connections: { type: "string", default: "4" },
    domain: { type: "string", default: "example.net" },
    /** Of how many messages only half is sent, from 0 to 1. */
    abandon: { type: "string", default: "0" },
  },
});
const BODY = `Subject: steady\r\n\r\n${`${"x".repeat(70)}\r\n`.repeat(55)}.\r\n`;
const MESSAGES_A_CONNECTION = 20;
const PATIENCE_MS = 20_000;

const accepted: string[] = [];
const abandoned: string[] = [];
const rebuffs: { at: number; what: string }[] = [];
const greetings: number[] = [];
let rate = 0;
/** When the next message is due. */
let turn = 0;
let unclear = 0;
let putOff = 0;
let next = 1;

/** The server said no, with a reason: nothing to complain about. */
class PutOff extends Error {}
/** We hung up ourselves. */
class Abandoned extends Error {}

class Line {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  #isGreeted = false;

  constructor() {
    this.#socket = connect(Number(values.port), values.address);
    this.#socket.setTimeout(PATIENCE_MS, () => this.#socket.destroy(new Error("silent")));
    this.#socket.on("error", () => undefined);
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  async opened(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("connect", resolve).once("error", reject);
    });
    await this.answer("2");
  }

  async say(command: string, expected: string): Promise<void> {
    this.#socket.write(`${command}\r\n`);
    await this.answer(expected);
  }

  /** The reply whose first digit is expected; PutOff for another one. */
  async answer(expected: string): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error("cut without 421");
      if (value[3] === "-") continue;
      if (!this.#isGreeted) greetings.push(Date.now());
      this.#isGreeted = true;
      if (!value.startsWith(expected)) throw new PutOff(value);
      return;
    }
  }

  /** These octets, and nothing after them. */
  async breakOff(text: string): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(text, () => resolve()));
    this.#socket.resetAndDestroy();
  }

  end(): void {
    this.#socket.destroy();
  }
}

async function work(): Promise<void> {
  for (;;) {
    if (rate === 0) await wait(50);
    else await converse();
  }
}

/** Messages are spread evenly over the time, over all connections; what could not be sent in time is not made up for. */
async function myTurn(): Promise<void> {
  const now = performance.now();
  turn = Math.max(turn, now) + 1000 / rate;
  await wait(turn - now);
}

/** One connection with a few messages; whatever goes wrong ends it. */
async function converse(): Promise<void> {
  const line = new Line();
  try {
    await line.opened();
    await line.say("EHLO source.test", "2");
    for (let i = 0; i < MESSAGES_A_CONNECTION && rate > 0; i++) await send(line);
    await line.say("QUIT", "2");
  } catch (error) {
    if (error instanceof PutOff) putOff++;
    else if (!(error instanceof Abandoned))
      rebuffs.push({ at: Date.now(), what: error instanceof Error ? error.message : String(error) });
    await wait(100);
  } finally {
    line.end();
  }
}

async function send(line: Line): Promise<void> {
  await myTurn();
  const recipient = `${next++}.s@${values.domain}`;
  await line.say("MAIL FROM:<source@example.org>", "2");
  await line.say(`RCPT TO:<${recipient}>`, "2");
  await line.say("DATA", "3");
  if (Math.random() < Number(values.abandon)) {
    await line.breakOff(BODY.slice(0, BODY.length / 2));
    abandoned.push(recipient);
    throw new Abandoned();
  }
  try {
    await line.say(BODY.slice(0, -2), "2");
    accepted.push(recipient);
  } catch (error) {
    if (!(error instanceof PutOff)) unclear++;
    throw error;
  }
}

function obey(text: string): unknown {
  const [word, argument] = text.trim().split(" ");
  switch (word) {
    case "rate":
      rate = Number(argument);
      return { rate };
    case "report":
      return { accepted: accepted.length, unclear, putOff };
    case "accepted":
      return accepted;
    case "abandoned":
      return abandoned;
    case "rebuffs":
      return rebuffs;
    case "greetings":
      return greetings;
    default:
      return { error: `unknown word ${word}` };
  }
}

for (let i = 0; i < Number(values.connections); i++) void work();
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
const orders = createInterface({ input: process.stdin });
orders.on("line", (text) => process.stdout.write(`${JSON.stringify(obey(text))}\n`));
orders.on("close", () => process.exit(0));
