/**
 * Every figure that the operator shows about itself, declared in one place. Names and labels are API: people's dashboards
 * use them. Figures of the mail itself come from the engines.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import type { Observer } from "#operator/kube/connection.ts";
import type { Outcome } from "#operator/reconcile/controller.ts";

export interface Metrics {
  readonly registry: Registry;
  readonly kubeCall: Observer;
  pass(pass: { controller: string; outcome: Outcome; seconds: number }): void;
  drift(kind: string, count: number): void;
  leader(isLeader: boolean): void;
  /** Read at each scrape. */
  gaugeOf(name: keyof typeof GAUGES, read: () => Readonly<Record<string, number>>): void;
}

const PREFIX = "mailfleet_operator_";

const GAUGES = {
  clusters: { help: "Custom resources in the cache", label: "kind" },
  queued_keys: { help: "Keys that wait for a pass", label: "controller" },
} as const;

/** All that `gaugeOf` knows. */
export const gauges = Object.keys(GAUGES) as (keyof typeof GAUGES)[];

export function makeMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const passes = new Counter({
    name: `${PREFIX}passes_total`,
    help: "Passes that ended, by outcome",
    labelNames: ["controller", "outcome"],
    registers,
  });
  const passSeconds = new Histogram({
    name: `${PREFIX}pass_seconds`,
    help: "How long a pass took",
    labelNames: ["controller"],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers,
  });
  const calls = new Counter({
    name: `${PREFIX}kube_calls_total`,
    help: "Answers of the API server; code error: none came",
    labelNames: ["method", "code"],
    registers,
  });
  const callSeconds = new Histogram({
    name: `${PREFIX}kube_call_seconds`,
    help: "Until the head of the API server's answer",
    labelNames: ["method"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers,
  });
  const drift = new Counter({
    name: `${PREFIX}watch_drift_total`,
    help: "Changes that a periodic list brought and the watch had not",
    labelNames: ["kind"],
    registers,
  });
  const leader = new Gauge({
    name: `${PREFIX}leader`,
    help: "1 while this one acts",
    registers,
  });
  return {
    registry,
    kubeCall({ method, code, seconds }) {
      calls.inc({ method, code });
      callSeconds.observe({ method }, seconds);
    },
    pass({ controller, outcome, seconds }) {
      passes.inc({ controller, outcome });
      passSeconds.observe({ controller }, seconds);
    },
    drift: (kind, count) => drift.inc({ kind }, count),
    leader: (isLeader) => leader.set(isLeader ? 1 : 0),
    gaugeOf(name, read) {
      const { help, label } = GAUGES[name];
      new Gauge({
        name: `${PREFIX}${name}`,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [value, figure] of Object.entries(read())) this.set({ [label]: value }, figure);
        },
      });
    },
  };
}
