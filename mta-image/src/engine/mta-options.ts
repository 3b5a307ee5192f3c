/** What an engine is started with. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";

import type { LiveConfig } from "../config/live-config.ts";

export interface MtaOptions {
  readonly config: LiveConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly systemHostname: string;
  /** Of the exclusive addresses the one that is this engine's; absent or null: none, or all where it is alone. */
  readonly identity?: string | null;
}
