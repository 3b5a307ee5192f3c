/**
 * What host functions may know of the run they are called in. Made by the machine for every run; everything that
 * touches the world (time, chance, log, shared memory) comes from here and was handed to the machine.
 */
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";

import type { Ports } from "./ports.ts";
import type { Shared } from "./shared.ts";
import type { Value } from "./value.ts";

export interface World {
  readonly clock: Clock;
  /** For shuffles and the like; secrets come from node:crypto. */
  readonly random: Random;
  /** One line that a script said with echo; bytes. */
  readonly echo: (line: string) => void;
  /** For the syslog function: priority by name, text as bytes. */
  readonly log: (priority: string, line: string) => void;
  readonly hostname: string;
  /** Caches, barriers and memory that all runs of a process share. */
  readonly shared: Shared;
  /** What scripts may reach outside; a function whose port is missing is refused. */
  readonly ports?: Partial<Ports> | undefined;
  /** Of the message that the script is asked about, for what is kept of it alone; null where there is none. */
  readonly messageId?: (() => string | null) | undefined;
}

export interface RunContext extends World {
  /** In the clock's monotonic milliseconds. */
  readonly begunMs: number;
  /** Aborts when the run ends for whatever reason: open sockets and the like go with it. */
  readonly signal: AbortSignal;
  /** Whatever the room that started the run wants its own host functions to find. */
  readonly subject: unknown;
  /** Ends the run at once with a value: what Accept, Reject and their like do. No catch sees it. */
  end(value: Value): never;
}
