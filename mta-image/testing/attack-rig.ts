/**
 * A whole engine under attack, for the tests of src/engine/attacks: real sockets, a real spool, a host behind it that
 * takes whatever is delivered, and time that goes on by itself and that a test may push ahead. It goes on a step for each
 * that the engine has had a turn, so that a machine which stands still meanwhile lets no deadline pass. `run` sends one
 * entry of docs/hostile-input.md, holds the replies to it and then has a good client served: its mail must come out at the
 * host, and nothing but what was answered with 250 may have come out before it.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { Lines } from "./dialogue.ts";
import { type Engine, type EngineOptions, startEngine } from "./harness.ts";
import { type LogLines, makeLogLines } from "./log-lines.ts";
import { ScriptedHost } from "./scripted-host.ts";
import { until } from "./until.ts";

/** How far a client has come before the input: connected and greeted, EHLO, MAIL, RCPT, or 354. */
export type Stage = "connected" | "greeted" | "mail" | "rcpt" | "data";

export interface Attack {
  /** Number of the row in docs/hostile-input.md. */
  readonly entry: number;
  readonly what: string;
  readonly at: Stage;
  /** Bytes; of a text, one byte a character. */
  readonly input: string | Buffer;
  /** The replies in order, as beginnings; "<closed>" for the end of the connection. */
  readonly replies: readonly string[];
  /** Messages that must have been taken and delivered. */
  readonly accepted?: number;
}

/** One line of a client. */
export const line = (entry: number, what: string, at: Stage, text: string, ...replies: string[]): Attack => ({
  entry,
  what,
  at,
  input: `${text}\r\n`,
  replies,
});

/** Bytes as they are. */
export const raw = (
  entry: number,
  what: string,
  at: Stage,
  input: string | Buffer,
  ...replies: string[]
): Attack => ({ entry, what, at, input, replies });

/** A message that is taken, by whatever is sent behind 354. */
export const taken = (entry: number, what: string, input: string): Attack => ({
  ...raw(entry, what, "data", input, "250 2.0.0 Ok: queued as "),
  accepted: 1,
});

export const many = (reply: string, count: number): string[] => Array.from({ length: count }, () => reply);
/** The bytes of UTF-8, one a character. */
export const utf8 = (text: string): string => Buffer.from(text).toString("latin1");

/** From which address of this machine a client comes: those of 127.0.0.1 may relay, others are strangers. */
export const STRANGER = "127.0.0.2";

const PACE_MS = 5;

export class AttackRig {
  readonly engine: Engine;
  readonly host: ScriptedHost;
  readonly clock: ManualClock;
  /** Errors that have to be logged, by name. */
  readonly expectedErrors = new Set<unknown>();
  readonly #log: LogLines;
  readonly #ticking: NodeJS.Timeout;
  /** Messages that the host must have by now. */
  #expected = 0;
  #good = 0;
  readonly #clients = new Set<Lines>();

  private constructor(parts: { engine: Engine; host: ScriptedHost; clock: ManualClock; log: LogLines }) {
    this.engine = parts.engine;
    this.host = parts.host;
    this.clock = parts.clock;
    this.#log = parts.log;
    this.#ticking = setInterval(() => this.clock.advance(PACE_MS), PACE_MS);
  }

  static async start(options: Partial<EngineOptions> = {}): Promise<AttackRig> {
    const host = await ScriptedHost.start();
    host.keywords = ["PIPELINING", "8BITMIME", "SMTPUTF8"];
    const clock = new ManualClock();
    const log = makeLogLines();
    const appServer = {
      relaynetworks: ["127.0.0.1/32"],
      relaydomains: ["here.example"],
      ...options.appServer,
    };
    const server = `127.0.0.1:${host.port}`;
    const engine = await startEngine({ server, clock, log: log.log, ...options, appServer });
    return new AttackRig({ engine, host, clock, log });
  }

  async stop(): Promise<void> {
    this.hangUp();
    await this.engine.stop();
    clearInterval(this.#ticking);
    await this.host.stop();
  }

  /** Ends all clients: one that failed must not fail those behind it. */
  hangUp(): void {
    for (const client of this.#clients) client.socket.destroy();
  }

  /** A client that has not read the greeting yet. */
  async connect({ from = "127.0.0.1", port = this.engine.smtpPort } = {}): Promise<Lines> {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true });
    await once(socket, "connect");
    const client = new Lines(socket);
    this.#clients.add(client);
    socket.once("close", () => this.#clients.delete(client));
    return client;
  }

  async reach(stage: Stage, options: { from?: string; port?: number } = {}): Promise<Lines> {
    const client = await this.connect(options);
    assert.match(await client.reply(), /^220 /);
    if (stage === "connected") return client;
    assert.match(await client.ask("EHLO client.example.org"), /^250-/);
    if (stage === "greeted") return client;
    assert.match(await client.ask("MAIL FROM:<news@example.org>"), /^250 /);
    if (stage === "mail") return client;
    assert.match(await client.ask("RCPT TO:<ann@here.example>"), /^250 /);
    if (stage === "rcpt") return client;
    assert.match(await client.ask("DATA"), /^354 /);
    return client;
  }

  /** Lets the engine read what was sent, and then time go by. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 3 * PACE_MS));
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(ms);
  }

  /** Sends the input of an entry, holds the replies to it, and has a good client served. */
  async run({ at, input, replies, accepted = 0 }: Attack): Promise<void> {
    const client = await this.reach(at);
    client.socket.write(typeof input === "string" ? Buffer.from(input, "latin1") : input);
    await assertReplies(client, replies);
    client.socket.destroy();
    this.took(accepted);
    await this.assertServes();
  }

  /** So many messages were answered with 250. */
  took(messages: number): void {
    this.#expected += messages;
  }

  /** A good client's mail comes out, no other mail has, and no session, no queued recipient and no error is left. */
  async assertServes(): Promise<void> {
    const word = `still here ${++this.#good}`;
    const client = await this.reach("data");
    assert.match(await client.ask(`Subject: x\r\n\r\n${word}\r\n.`), /^250 2\.0\.0 Ok: queued as /);
    assert.equal(await client.ask("QUIT"), "221 2.0.0 Bye");
    client.socket.destroy();
    this.took(1);
    await this.delivered();
    const { messages } = this.host;
    assert.ok(messages.some((text) => text.includes(word)));
    await this.assertIdle();
    assert.equal(messages.length, this.#expected, "mail came out that nobody was told 250 for");
  }

  /** Waits until what was answered with 250 has come out: no minute that passes then can end its delivery. */
  async delivered(): Promise<void> {
    await until(
      () => this.host.messages.length,
      (count) => count >= this.#expected,
    );
  }

  async assertIdle(): Promise<void> {
    const { mta } = this.engine;
    await until(
      () => [mta.sessions, mta.queue.figures().total],
      ([sessions, queued]) => sessions === 0 && queued === 0,
    );
    assert.deepEqual(
      this.#log.lines.filter(({ level, msg }) => Number(level) >= 50 && !this.expectedErrors.has(msg)),
      [],
    );
  }
}

export async function assertReplies(client: Lines, replies: readonly string[]): Promise<void> {
  for (const expected of replies) {
    const reply = await client.reply();
    assert.ok(reply.startsWith(expected), `expected ${expected}, got ${reply.slice(0, 500)}`);
  }
}
