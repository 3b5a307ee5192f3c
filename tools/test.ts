/**
 * Runs the tests of the tiers named on the command line, one tier after the other, with node's runner; a tier that
 * fails ends the run. With more than one tier, the closing lines of all are added up at the end in node's own form.
 * `--only TEXT` keeps the files whose path holds TEXT.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

import { surround } from "./surroundings.ts";
import { type Tier, concurrency, patienceMs, tierOf, tiers } from "./tiers.ts";
import { listFiles, root } from "./tree.ts";

const COUNTED = ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo", "duration_ms"] as const;
type Totals = Record<(typeof COUNTED)[number], number>;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string", default: "" } },
    allowPositionals: true,
  });
  const wanted = tiers.filter((tier) => positionals.includes(tier));
  const totals = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Totals;
  for (const tier of wanted) {
    const files = listFiles().filter((path) => tierOf(path) === tier && path.includes(values.only));
    process.stdout.write(`[test] ${tier}: ${files.length} files\n`);
    if (files.length === 0) continue;
    const around = await surround(tier, (line) => process.stdout.write(`[test] ${line}\n`));
    const code = await runTier({ tier, files, totals, env: around.env }).finally(() => around.remove());
    if (code !== 0) return code;
  }
  if (wanted.length > 1) process.stdout.write(closing(wanted, totals));
  return 0;
}

function runTier(run: {
  readonly tier: Tier;
  readonly files: readonly string[];
  readonly totals: Totals;
  readonly env: Readonly<Record<string, string>>;
}): Promise<number> {
  const { tier, files, totals, env } = run;
  const options = [
    "--test",
    "--test-reporter=spec",
    `--test-concurrency=${concurrency[tier]}`,
    `--test-timeout=${patienceMs[tier]}`,
  ];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...options, ...files], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let tail = "";
  child.stdout.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    tail = (tail + chunk.toString("latin1")).slice(-4_000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      addUp(tail, totals);
      resolve(code ?? 1);
    });
  });
}

/** Adds the closing lines ("tests 12", "pass 12", …); the last mention of a name counts. */
function addUp(tail: string, totals: Totals): void {
  for (const name of COUNTED) {
    const found = [...tail.matchAll(new RegExp(`^\\S+ ${name} ([\\d.]+)$`, "gm"))].at(-1);
    totals[name] += Number(found?.[1] ?? 0);
  }
}

function closing(ran: readonly Tier[], totals: Totals): string {
  const lines = COUNTED.map(
    (name) => `ℹ ${name} ${name === "duration_ms" ? Math.round(totals[name]) : totals[name]}`,
  );
  return `\n[test] all tiers: ${ran.join(", ")}\n${lines.join("\n")}\n`;
}
