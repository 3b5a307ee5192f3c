/**
 * hsh: runs a script from the command line, `hsh [--rootpath DIR] [--binary] FILE` ("-" or none is standard input).
 * echo goes to standard output, syslog to standard error. Ends with 0, or 1 when the script did not compile or
 * failed; what went wrong is on standard error with file, line, column and script stack.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, relative } from "node:path";
import { parseArgs } from "node:util";
import { MessageChannel } from "node:worker_threads";

import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";

import { CompileError } from "./script/error.ts";
import { libraryHost } from "./script/library/library.ts";
import { compile, run } from "./script/machine.ts";
import { Shared } from "./script/shared.ts";
import { folderLoader } from "./script-files.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      rootpath: { type: "string", short: "R" },
      binary: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const file = positionals[0] ?? "-";
  const root = values.rootpath ?? (file === "-" ? "." : dirname(file));
  const id = file === "-" ? "stdin" : relative(root, file);
  try {
    return await execute(id, readFileSync(file === "-" ? 0 : file, "latin1"), root);
  } catch (error) {
    if (error instanceof CompileError) return fail(error.message);
    throw error;
  }
}

async function execute(id: string, text: string, root: string): Promise<number> {
  const program = compile(id, text, libraryHost, folderLoader(root));
  const started = systemClock.now();
  // The clock's timers do not hold the process.
  const hold = new MessageChannel().port1;
  hold.ref();
  const { error } = await run(program, {
    world: {
      clock: systemClock,
      random: systemRandom,
      echo: (line) => void process.stdout.write(`${line}\n`, "latin1"),
      log: (priority, line) => void process.stderr.write(`${priority}: ${line}\n`, "latin1"),
      hostname: hostname(),
      startedMs: started,
      shared: new Shared(systemClock),
    },
  });
  hold.close();
  return error === null ? 0 : fail(error.describe());
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`, "latin1");
  return 1;
}
