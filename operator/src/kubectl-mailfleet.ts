/**
 * kubectl mailfleet: a plugin of kubectl, which finds it as kubectl-mailfleet in PATH. Ends with 0 when it did what it was
 * asked, 1 when somebody refused (the words are on standard error), 2 when the call itself was wrong.
 */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";

import { systemClock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import { parseArguments, usage } from "./kubectl-mailfleet/arguments.ts";
import { Kubectl } from "./kubectl-mailfleet/kubectl.ts";
import { run } from "./kubectl-mailfleet/run.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const { command, kubectlFlags } = parseArguments(argv);
  if (command.kind === "help" || command.kind === "wrong") {
    if (command.kind === "wrong") process.stderr.write(`kubectl mailfleet: ${command.message}\n\n`);
    process.stderr.write(usage);
    return command.kind === "help" ? 0 : 2;
  }
  const kubectl = new Kubectl(process.env["KUBECTL"] ?? "kubectl", kubectlFlags);
  try {
    const text = await run(command, {
      kubectl,
      clock: systemClock,
      nonce: () => randomBytes(12).toString("hex"),
      writeFile: (path, bytes) => writeFile(path, bytes, { mode: 0o600 }),
    });
    process.stdout.write(text);
    return 0;
  } catch (error) {
    process.stderr.write(`kubectl mailfleet: ${describe(error)}\n`);
    return 1;
  }
}
