/** What scripts of tests run in that nobody listens to: nothing they say is kept. */
import { systemClock } from "#base/clock.ts";

import type { World } from "../src/script/context.ts";
import { Shared } from "../src/script/shared.ts";

export function quietWorld(): World {
  return {
    clock: systemClock,
    random: () => 0.5,
    echo: () => undefined,
    log: () => undefined,
    hostname: "host",
    shared: new Shared(systemClock),
  };
}
