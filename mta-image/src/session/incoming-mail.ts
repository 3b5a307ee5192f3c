/**
 * The content of one message up to the reply to its end, by DATA or in chunks (BDAT): bytes to the intake, the size
 * limit, strict line ends, the pace. A message that cannot be taken is read to its true end (or the end of its
 * chunk) and refused there (RFC 1870 6.3), never earlier, so that nothing inside it can run as a command. Never
 * throws; the intake never rejects.
 */
import type { IntakeResult, Reception } from "../intake/intake.ts";
import { LineEnds } from "../smtp/chunk.ts";
import { DataReader } from "../smtp/data.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import type { Traced } from "../trace/traced.ts";
import type { MailEnd } from "./counters.ts";
import type { Flow } from "./flow.ts";

/** Postfix's smtpd_min_data_rate; judged after the first minute. */
const MIN_BYTES_PER_SECOND = 500;
const GRACE_MS = 60_000;

/** Less than the least rate on average, once a minute has passed. */
export function isTooSlow({ elapsedMs, bytes }: { elapsedMs: number; bytes: number }): boolean {
  return elapsedMs >= GRACE_MS && bytes < (elapsedMs / 1000) * MIN_BYTES_PER_SECOND;
}

export class IncomingMail {
  readonly #flow: Flow;
  readonly #traced: Traced;
  readonly #maxBytes: number;
  readonly #reader = new DataReader();
  readonly #lineEnds = new LineEnds();
  #reception: Reception | null;
  /** Chunks are not looked through for dots. */
  #isChunked = false;
  #startedAt: number;
  /** Content that came so far. */
  bytes = 0;
  /** When content last came. */
  lastAt: number;
  readonly #write = (content: Buffer): void => this.#take(content);

  constructor(parts: {
    reception: Reception;
    flow: Flow;
    traced: Traced;
    maxBytes: number;
    now: number;
  }) {
    this.#reception = parts.reception;
    this.#flow = parts.flow;
    this.#traced = parts.traced;
    this.#maxBytes = parts.maxBytes;
    this.#startedAt = parts.now;
    this.lastAt = parts.now;
  }

  /** Reads content; the offset behind the end of data, or -1 when more is to come. */
  read(data: Buffer, start: number, now: number): number {
    this.lastAt = now;
    return this.#reader.read(data, start, this.#write);
  }

  /** Takes bytes of a chunk. */
  readChunk(content: Buffer, now: number): void {
    this.lastAt = now;
    this.#isChunked = true;
    this.#lineEnds.push(content);
    this.#take(content);
  }

  get isTooLarge(): boolean {
    return this.bytes > this.#maxBytes;
  }

  /** Time spent on our own disk does not count. */
  isTooSlow(now: number): boolean {
    return isTooSlow({ elapsedMs: now - this.#startedAt, bytes: this.bytes });
  }

  /** The client was kept waiting until now: its clock starts anew. */
  excuse(now: number): void {
    this.lastAt = now;
    this.#startedAt = now - this.bytes / MIN_BYTES_PER_SECOND;
  }

  /** After the end of data: the reply, and whether the message is ours now. */
  async commit(): Promise<{ reply: Reply; end: MailEnd }> {
    const reception = this.#reception;
    this.#reception = null;
    if (reception === null) return { reply: replies.tooLarge, end: "refused" };
    if (this.#reader.isBad || this.#lineEnds.isBad({ atEnd: true })) {
      reception.abort();
      return { reply: replies.badContent, end: "refused" };
    }
    const result = await reception.commit("", !this.#isChunked && !this.#reader.hasDots);
    const isFull = result.kind === "refused" && result.isDiskFull === true;
    return { reply: toReply(result), end: isFull ? "no room" : result.kind };
  }

  /** The connection ended inside the message. Harmless once commit began: the spool alone decides then. */
  abort(): void {
    this.#reception?.abort();
    this.#reception = null;
    this.#flow.go("disk");
  }

  #take(content: Buffer): void {
    this.bytes += content.length;
    this.#traced.now?.content(content);
    if (this.#reception === null) return;
    if (this.isTooLarge) return this.abort();
    const full = this.#reception.write(content);
    if (full === null) return;
    this.#flow.stop("disk");
    void full.then(() => this.#flow.go("disk"));
  }
}

function toReply(result: IntakeResult): Reply {
  if (result.said !== undefined) return result.said;
  if (result.kind === "accepted") return makeReply(250, "2.0.0", `Ok: queued as ${result.id}`);
  const { code, enhanced, text } = result.reply;
  return makeReply(code, enhanced, text, { hangUp: code === 421 });
}
