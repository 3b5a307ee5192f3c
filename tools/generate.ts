/**
 * Runs every generator in order; with --check each only says whether its files are current, and all are asked before
 * the run ends with 1. A generator that is added to tools/generate/ is added to the list here.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const generators = [
  "crds.ts",
  "crd-reference.ts",
  "configuration.ts",
  "chart.ts",
  "metrics.ts",
  "script-library.ts",
  "spamhaus.ts",
] as const;
const args = process.argv.includes("--check") ? ["--check"] : [];

let failed = 0;
for (const generator of generators) {
  const program = fileURLToPath(new URL(`./generate/${generator}`, import.meta.url));
  if (!existsSync(program)) continue;
  const { status } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...args],
    { stdio: "inherit" },
  );
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
