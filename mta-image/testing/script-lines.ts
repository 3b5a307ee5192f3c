/** Runs a script of a test over real ports, and gives what it says, line by line; a script that fails fails the test. */
import assert from "node:assert/strict";

import { systemClock } from "#base/clock.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import { compile, run } from "#mta/script/machine.ts";
import { noFiles } from "#mta/script/module.ts";
import type { Ports } from "#mta/script/ports.ts";
import { Shared } from "#mta/script/shared.ts";

export async function linesOf(
  source: string,
  ports: Partial<Ports>,
  hostname = "client.example",
): Promise<string[]> {
  const lines: string[] = [];
  const outcome = await run(compile("test", source, libraryHost, noFiles), {
    world: {
      clock: systemClock,
      random: () => 0.5,
      echo: (line) => void lines.push(line),
      log: () => undefined,
      hostname,
      shared: new Shared(systemClock),
      ports,
    },
  });
  assert.equal(outcome.error?.describe(), undefined);
  return lines;
}
