/**
 * Reads what the thread sanitizer wrote and ends with 1 when a race is in the addon or a test plugin. Node's binary is not
 * built for the sanitizer, which therefore sees none of its locks and reports it by the dozen: a race counts when one
 * of its accesses (the first two frames) is in code of ours.
 *   node mta-image/testing/races.ts FOLDER
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [folder = ""] = process.argv.slice(2);
const reports = readdirSync(folder)
  .filter((name) => name.startsWith("tsan."))
  .flatMap((name) => readFileSync(join(folder, name), "utf8").split("=================="))
  .filter((text) => text.includes("WARNING: ThreadSanitizer"));
const ours = reports.filter((report) =>
  accessesOf(report).some((frame) => /\/native\/(?:src|test)\//.test(frame)),
);

process.stdout.write(`${reports.length} reports, ${ours.length} of them in the addon or a plugin\n`);
for (const report of ours) process.stdout.write(`${report}\n`);
process.exitCode = ours.length > 0 ? 1 : 0;

/** What stands before the first stack that only says where a thread came from. */
function accessesOf(report: string): string[] {
  const [accesses = ""] = report.split(/\n {2}(?:Thread|Location|Mutex|As if)/);
  return accesses.split("\n").filter((line) => /^ +#[01] /.test(line));
}
