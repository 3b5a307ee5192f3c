/**
 * One reader of live traces and its bounds: so many sessions, bytes and seconds, and never more than a little that
 * waits for it. Whoever reads too slowly is let go; the mail path never waits. Ends exactly once, with a line that says
 * why; nothing in here fails.
 */
import type { Clock, Timer } from "#base/clock.ts";
import type { TraceEnd, TraceItem, TraceLine, TraceQuery } from "#contract/trace-api.ts";

import { type TraceAbout, type TraceFilter, filterOf } from "./filter.ts";
import type { Part } from "./part.ts";

/** Where lines go. */
export interface TraceReader {
  /** Bytes that were written and have not left. */
  readonly pendingBytes: number;
  write(text: string): void;
  end(): void;
  destroy(): void;
}

const MOST_PENDING = 1_048_576;
const ALIVE_MS = 10_000;
const FAREWELL_MS = 5000;

export class Watch {
  readonly filter: TraceFilter;
  readonly contentLines: number;
  readonly #query: TraceQuery;
  readonly #reader: TraceReader;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #until: number;
  #timer: Timer;
  #bytes = 0;
  #sessions = 0;
  missed = 0;
  isOver = false;

  constructor(query: TraceQuery, options: { reader: TraceReader; clock: Clock; onEnd: () => void }) {
    this.#query = query;
    this.filter = filterOf(query);
    this.contentLines = query.contentLines;
    this.#reader = options.reader;
    this.#clock = options.clock;
    this.#onEnd = options.onEnd;
    this.#until = this.#clock.monotonic() + query.seconds * 1000;
    this.#timer = this.#plan();
  }

  /** A view of a session; null when it is of no interest. */
  view(about: TraceAbout): View | null {
    return this.isOver || !this.filter.wantsSession(about) ? null : new View(this);
  }

  /** A session is about to be shown. False: it is one too many, and the trace has ended. */
  begin(): boolean {
    if (this.isOver) return false;
    this.#sessions++;
    if (this.#sessions <= this.#query.sessions) return true;
    this.stop("sessions");
    return false;
  }

  send(item: TraceItem): void {
    if (this.isOver) return;
    const text = `${JSON.stringify(item)}\n`;
    this.#bytes += text.length;
    if (this.#reader.pendingBytes > MOST_PENDING) return this.stop("slow");
    if (this.#bytes > this.#query.bytes) return this.stop("bytes");
    this.#reader.write(text);
  }

  /** Ends it and says why. */
  stop(reason: TraceEnd["reason"]): void {
    if (this.isOver) return;
    this.leave();
    this.#reader.write(`${JSON.stringify({ kind: "end", reason, missed: this.missed })}\n`);
    this.#reader.end();
    // Who does not read would hold the connection and what waits for it.
    this.#clock.after(FAREWELL_MS, () => this.#reader.destroy());
  }

  /** The reader has gone. */
  leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#timer.cancel();
    this.#onEnd();
  }

  #plan(): Timer {
    const left = this.#until - this.#clock.monotonic();
    return this.#clock.after(Math.min(left, ALIVE_MS), () => {
      if (this.#clock.monotonic() >= this.#until) return this.stop("seconds");
      this.send({ kind: "alive" });
      if (!this.isOver) this.#timer = this.#plan();
    });
  }
}

/** What one reader has seen of one session. */
export class View {
  readonly watch: Watch;
  #isShown = false;
  readonly #wanted = new WeakSet<Part>();

  constructor(watch: Watch) {
    this.watch = watch;
  }

  /** Shows the line if it is the reader's; with it what came before, once that is known. The part holds the line. */
  see(line: TraceLine, part: Part, opening: Part): void {
    const { filter } = this.watch;
    if (this.#wanted.has(part)) return this.#send(line);
    if (part === opening ? !this.#isShown && filter.isAboutMail : !filter.wantsPart(part)) return;
    if (part === opening && this.#isShown) return this.#send(line);
    this.#wanted.add(part);
    if (!this.#isShown) {
      this.#isShown = true;
      if (!this.watch.begin()) return;
      if (part !== opening) for (const before of opening.lines) this.#send(before);
    }
    for (const before of part.lines) this.#send(before);
    if (part.lines.at(-1) !== line) this.#send(line);
  }

  #send(line: TraceLine): void {
    this.watch.send(line.kind === "content" ? cutContent(line, this.watch.contentLines) : line);
  }
}

function cutContent(line: TraceLine, most: number): TraceLine {
  return { ...line, text: line.text.split("\n", most).join("\n") };
}
