/** A log whose lines a test reads: each as it would be written, parsed again. */
import { pino } from "pino";

import type { Log } from "#base/log.ts";

export interface LogLines {
  readonly log: Log;
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

export function makeLogLines(): LogLines {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { log: pino({ level: "debug" }, { write }), lines };
}
