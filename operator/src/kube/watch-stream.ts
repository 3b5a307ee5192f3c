/**
 * The lines of one watch. Bytes may be cut anywhere; a line is handed out once its newline has come. Ends when the
 * server ends the stream between two lines. Throws KubeFailure "unreachable" when the line breaks, ends in mid-line
 * or stays silent for `silenceMs`, and "broken" when a line grows past its bound.
 */
import { StringDecoder } from "node:string_decoder";

import type { Clock, Timer } from "#base/clock.ts";

import { KubeFailure, unreachable } from "./errors.ts";

/** etcd refuses objects above 1.5 MiB (8 MiB at most where raised); JSON escapes can blow them up. */
const LINE_LIMIT = 32 * 1024 * 1024;

export interface LineOptions {
  readonly what: string;
  readonly clock: Clock;
  readonly silenceMs: number;
  /** Called when the line is silent too long: must make `chunks` end or throw. */
  readonly abort: (reason: Error) => void;
}

export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  options: LineOptions,
): AsyncGenerator<string> {
  const silence = new Silence(options);
  const decoder = new StringDecoder("utf8");
  let pending = "";
  try {
    for await (const chunk of chunks) {
      silence.restart();
      const lines = (pending + decoder.write(chunk)).split("\n");
      pending = lines.pop() ?? "";
      if (pending.length > LINE_LIMIT) throw new KubeFailure("broken", `${options.what}: a line has no end`);
      for (const line of lines) if (line.trim() !== "") yield line;
      silence.restart(); // The consumer's own time does not count as silence.
    }
  } catch (error) {
    throw error instanceof KubeFailure ? error : unreachable(options.what, silence.reason ?? error);
  } finally {
    silence.stop();
  }
  if (silence.reason !== null) throw unreachable(options.what, silence.reason);
  if (pending.trim() !== "")
    throw unreachable(options.what, new Error("the line was cut in the middle of an event"));
}

class Silence {
  readonly #options: LineOptions;
  #timer: Timer;
  reason: Error | null = null;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#timer = this.#start();
  }

  restart(): void {
    this.#timer.cancel();
    this.#timer = this.#start();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #start(): Timer {
    return this.#options.clock.after(this.#options.silenceMs, () => {
      this.reason = new Error(`the watch was silent for ${this.#options.silenceMs} ms`);
      this.#options.abort(this.reason);
    });
  }
}
