/** The figures of quotas under their Prometheus names; combinations, which strangers make, are no labels. */
import { Counter, Gauge, type Registry } from "prom-client";

import type { Quota } from "../queue/quotas.ts";

export function addQuotaMetrics(registry: Registry, quotas: () => readonly Quota[]): void {
  const labelNames = ["quota"];
  const registers = [registry];
  new Gauge({
    name: "mta_queue_quota_full",
    help: "Combinations of facts that are at the limit of a quota.",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { order, counts } of quotas())
        this.set({ quota: order.id }, [...counts.values()].filter(({ used, limit }) => used >= limit).length);
    },
  });
  new Counter({
    name: "mta_queue_quota_refused_total",
    help: "Messages refused with 452 because a quota was full.",
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { order, refused } of quotas()) this.inc({ quota: order.id }, refused);
    },
  });
}
