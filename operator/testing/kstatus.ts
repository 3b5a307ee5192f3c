/** What kstatus, the library that Flux and others wait by, says of an object: the program of e2e/kstatus asks the real one. */
import { run } from "../../e2e/peers/shell.ts";
import { ensureProgram } from "../../tools/setup/programs.ts";

/** "Current", "InProgress", "Failed", "Terminating" or "NotFound". */
export async function kstatusOf(object: unknown): Promise<string> {
  const folder = await ensureProgram("kstatus", () => undefined);
  const printed = await run(`${folder}/kstatus`, [], { input: JSON.stringify(object) });
  return printed.split("\n")[0] ?? "";
}
