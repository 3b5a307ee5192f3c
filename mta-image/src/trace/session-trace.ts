/**
 * What is recorded of one session that somebody watches or that was sampled: what both sides said, in order, masked.
 * Sessions and connections call it as they speak; it only exists while there is a reason, so without one the mail path
 * pays a comparison. Never fails.
 */
import type { Clock } from "#base/clock.ts";
import type { TraceLine } from "#contract/trace-api.ts";

import type { TraceAbout } from "./filter.ts";
import { maskedAnswer, maskedCommand, maskedReply, printable } from "./masking.ts";
import { Part, queuedId } from "./part.ts";
import type { View, Watch } from "./watch.ts";

/** First bytes of content that are looked at when a reader asked for its first lines. */
const CONTENT_BYTES = 8192;

export interface SessionTraceOptions {
  readonly about: TraceAbout;
  readonly clock: Clock;
  readonly views: View[];
  readonly isSampled: boolean;
  /** A sampled transaction has told whose mail it is. */
  readonly onSample: (trace: SessionTrace, part: Part) => void;
  readonly onClose: (trace: SessionTrace) => void;
}

export class SessionTrace {
  readonly about: TraceAbout;
  readonly opening = new Part(0, null);
  readonly #options: SessionTraceOptions;
  #views: View[];
  #parts = 0;
  #current = this.opening;
  #content: { bytes: number; start: Buffer; readonly part: Part } | null = null;
  readonly #sampled = new WeakSet<Part>();

  constructor(options: SessionTraceOptions) {
    this.about = options.about;
    this.#options = options;
    this.#views = options.views;
    const { remoteIp, remotePort, listener, transportId, host } = options.about;
    const about = { remoteIp, remotePort, listener, transportId, host };
    this.#record(this.opening, "open", "", { about });
  }

  /** Nobody looks any more. */
  get isIdle(): boolean {
    return this.#views.length === 0 && !this.#options.isSampled;
  }

  join(view: View): void {
    this.#views.push(view);
    const { opening } = this;
    const [first] = opening.lines;
    if (first !== undefined) view.see(first, opening, opening);
  }

  detach(watch: Watch): void {
    this.#views = this.#views.filter((view) => view.watch !== watch);
  }

  /** A delivery; what is said of it names its part. */
  startPart(messageId: string): Part {
    return new Part(++this.#parts, messageId);
  }

  /** Lines that the client said, each with its end or the last without. MAIL of a session that came in begins a part. */
  client(text: string, part?: Part): void {
    for (const line of text.split("\r\n")) {
      if (line === "") continue;
      if (part === undefined && /^mail\b/i.test(line)) this.#current = new Part(++this.#parts, null);
      const own = part ?? this.#current;
      own.read(line);
      this.#record(own, "client", maskedCommand(line));
      this.#sample(own);
    }
  }

  /** A line of an exchange that AUTH began. */
  secret(): void {
    this.#record(this.#current, "client", maskedAnswer);
  }

  server(text: string, part: Part = this.#current): void {
    this.#endContent();
    const said = text.replace(/\r\n$/, "");
    if (this.about.direction === "in") part.messageId ??= queuedId(said);
    this.#record(part, "server", maskedReply(said));
  }

  tls(text: string): void {
    this.#record(this.opening, "tls", text);
  }

  /** Bytes of a message; told once the next thing is said. */
  content(bytes: Buffer, part: Part = this.#current): void {
    const content = this.#content?.part === part ? this.#content : { bytes: 0, start: Buffer.alloc(0), part };
    if (this.#content !== content) this.#endContent();
    this.#content = content;
    content.bytes += bytes.length;
    const room = CONTENT_BYTES - content.start.length;
    const isWanted = this.#views.some(({ watch }) => watch.contentLines > 0);
    if (isWanted && room > 0) content.start = Buffer.concat([content.start, bytes.subarray(0, room)]);
  }

  close(reason: string): void {
    this.#endContent();
    this.#record(this.opening, "close", printable(reason));
    this.#options.onClose(this);
  }

  #endContent(): void {
    const content = this.#content;
    if (content === null) return;
    this.#content = null;
    const { part, bytes, start } = content;
    const text = start.toString("utf8").split("\r\n").map(printable).join("\n");
    const line = this.#line(part, "content", text, { bytes });
    for (const view of this.#views) view.see(line, part, this.opening);
    // Kept without its words: only who asked for them, now, gets them.
    part.keep({ ...line, text: "" });
  }

  #record(part: Part, kind: TraceLine["kind"], text: string, more: Partial<TraceLine> = {}): void {
    const line = this.#line(part, kind, text, more);
    part.keep(line);
    for (const view of this.#views) view.see(line, part, this.opening);
  }

  #line(part: Part, kind: TraceLine["kind"], text: string, more: Partial<TraceLine>): TraceLine {
    const { id: session, direction } = this.about;
    const at = new Date(this.#options.clock.now()).toISOString();
    const { number: transaction, messageId } = part;
    return {
      kind,
      at,
      session,
      direction,
      transaction,
      text,
      ...(messageId === null ? {} : { messageId }),
      ...more,
    };
  }

  #sample(part: Part): void {
    if (!this.#options.isSampled || part.recipients.length === 0 || this.#sampled.has(part)) return;
    this.#sampled.add(part);
    this.#options.onSample(this, part);
  }
}
