/**
 * Figures of the process itself (memory, event loop, garbage collection), as prom-client has them. Its sums of active
 * handles, requests and resources are left out: they are gauges whose names end like those of counters, promtool finds fault
 * with them, and `sum()` over the same figures by type gives the same. Once a registry. Never fails.
 */
import { type Registry, collectDefaultMetrics } from "prom-client";

const misnamed = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

export function addProcessFigures(registry: Registry, prefix = ""): void {
  collectDefaultMetrics({ register: registry, prefix });
  for (const name of misnamed) registry.removeSingleMetric(`${prefix}${name}`);
}
