/** What dashboards and alerts of the chart ask Prometheus for is what engines offer, and every alert has its runbook. */
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { engineRegistry, operatorRegistry } from "../tools/generate/metrics.ts";
import { root } from "../tools/tree.ts";

const chart = `${root}helm/mailfleet`;
const rules = await readFile(`${chart}/templates/prometheus-rule.yaml`, "utf8");

/** Figures of the process have their names from the client library. */
function offered(): ReadonlySet<string> {
  const registries = [engineRegistry(), operatorRegistry()];
  return new Set(registries.flatMap((each) => each.getMetricsAsArray().map(({ name }) => name)));
}

function asked(text: string): readonly string[] {
  const names = text.match(/\b(?:mta|mailfleet_operator)_[a-z0-9_]+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, "")))];
}

test("every figure of a dashboard or alert is one that engines have", async () => {
  const known = offered();
  const dashboards = (await readdir(`${chart}/dashboards`)).map((name) => `${chart}/dashboards/${name}`);
  const texts = [rules, ...(await Promise.all(dashboards.map((path) => readFile(path, "utf8"))))];
  const names = texts.flatMap(asked);
  assert.ok(names.length > 5);
  assert.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
});

test("every alert has a heading in the runbook that it names", async () => {
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  const links = [...rules.matchAll(/runbook_url: .*?([a-z-]+\.md)#(\w+)/g)];
  assert.deepEqual(
    links.map(([, , heading]) => heading),
    alerts.map((name) => name.toLowerCase()),
  );
  for (const [, file = "", heading = ""] of links) {
    const text = (await readFile(`${root}docs/runbooks/${file}`, "utf8")).toLowerCase();
    assert.ok(text.includes(`## ${heading}\n`), `${file} has no heading ${heading}`);
  }
});
