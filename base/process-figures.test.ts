import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";

import { addProcessFigures } from "./process-figures.ts";

test("no figure of the process has the name of a counter and is none, and what it was the sum of is there", () => {
  const registry = new Registry();
  addProcessFigures(registry, "mta_");
  const figures = registry.getMetricsAsArray() as unknown as { name: string; type: string }[];
  const wrong = figures.filter(({ name, type }) => name.endsWith("_total") && type !== "counter");
  assert.deepEqual(wrong, []);
  const names = new Set(figures.map(({ name }) => name));
  for (const what of ["handles", "requests", "resources"]) assert.ok(names.has(`mta_nodejs_active_${what}`));
  assert.ok(names.has("mta_process_resident_memory_bytes"));
});
