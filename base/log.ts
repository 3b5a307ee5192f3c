/**
 * Pino set up once for both programs: JSON lines on standard output, one event name as the message
 * (kebab-case), then fields. Secrets never reach a line: the redaction list is below, and nobody logs whole
 * objects from outside. Logging never throws.
 */
import { type Logger, pino } from "pino";

export type Log = Logger;

/** What is taken out of every line, at the top and one level down. */
export const REDACTION = {
  paths: ["authorization", "token", "password", "key", "*.authorization", "*.token", "*.password", "*.key"],
  censor: "[redacted]",
};

export function makeLog(options: { level: string; program: string }): Log {
  return pino({
    level: options.level,
    base: { program: options.program },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: REDACTION,
  });
}

/** For tests and tools that want no lines. */
export const silentLog: Log = pino({ level: "silent" });
