/**
 * Figures of the operator beside a real control plane, on nodes of kwok with engines that answer behind every pod:
 *
 *   make bench-operator      or: node operator/bench/operator.bench.ts [clusters] [pods of one more cluster]
 *
 * The operator is the bundled program with the flags of its image. Prints one line a figure with what it was measured by.
 * Other work on the machine makes figures worse, so the load average is printed with them. Needs root.
 */
import { loadavg } from "node:os";

import { ensureProgram } from "../../tools/setup/programs.ts";
import { Bench } from "./bench.ts";
import { isInOwnNetwork } from "./own-network.ts";

const size = { clusters: Number(process.argv[2] ?? 1000), pods: Number(process.argv[3] ?? 500) };

const started = performance.now();
const say = (text: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stdout.write(`[${seconds} s, load ${loadavg()[0]?.toFixed(1)}] ${text}\n`);
};

for (const name of ["kubelab", "kwok"] as const) await ensureProgram(name, say);
if (await isInOwnNetwork()) {
  const bench = await Bench.open(size, say);
  try {
    await bench.settle();
    await bench.idle();
    await bench.edits();
    await bench.failover();
    await bench.deadLine();
    if (size.pods > 0) await bench.large();
  } finally {
    await bench.close();
  }
}
