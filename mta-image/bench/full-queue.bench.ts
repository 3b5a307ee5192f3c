/**
 * What a full queue costs mail that goes through: messages a second of one process with many deferred recipients in its
 * queue against one with none, in turns:
 *
 *   node mta-image/bench/full-queue.bench.ts [queued] [rounds] [messages] [folder]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";

import { type Figures, measure } from "../../e2e/bench/measure.ts";
import { ratio, table } from "../../e2e/bench/report.ts";
import { mailfleetWith } from "../../e2e/bench/subjects.ts";
import { writeDeferredSpool } from "./deferred-spool.ts";

const [queued = 1_000_000, rounds = 3, messages = 10_000] = process.argv.slice(2, 5).map(Number);
const load = { name: "4,096 bytes", sizeBytes: 4096, isReconnecting: false };
const folder = mkdtempSync(join(process.argv[5] ?? tmpdir(), "full-queue-"));
try {
  writeDeferredSpool(folder, queued);
  const kinds = [mailfleetWith(`${queued} queued`, folder), mailfleetWith("nothing queued", null)] as const;
  const all: readonly Figures[][] = kinds.map(() => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [at, subject] of kinds.entries()) {
      const figures = await measure(subject, load, messages);
      all[at]?.push(figures);
      const { accepted, delivered } = figures;
      process.stdout.write(
        `round ${round}, ${subject.name}: ${Math.round(accepted)} accepted, ${Math.round(delivered)} delivered (load ${loadavg()[0]?.toFixed(1)})\n`,
      );
    }
  }
  const rows = kinds.map(({ name }, at) => ({ server: name, figures: all[at] ?? [] }));
  const [full, empty] = rows;
  process.stdout.write(table(`${load.name}, ${rounds} rounds`, rows));
  if (full !== undefined && empty !== undefined) process.stdout.write(ratio("delivered", full, empty));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
