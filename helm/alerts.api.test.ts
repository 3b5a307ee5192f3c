/** The alerts of the chart, as Prometheus' own checker reads them, and whether they fire when they should. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { dump, loadAll } from "js-yaml";

import { root } from "../tools/tree.ts";
import { findProgram, render } from "./helm.ts";

interface Rule {
  readonly alert: string;
  readonly annotations: { readonly runbook_url?: string };
}
interface PrometheusRule {
  readonly kind: string;
  readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
}

const folder = mkdtempSync(join(tmpdir(), "alerts-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const rendered = loadAll(await render(`${root}helm/testdata/monitored.values.yaml`)) as PrometheusRule[];
const rules = rendered.find((object) => object?.kind === "PrometheusRule");
assert.ok(rules !== undefined);
writeFileSync(join(folder, "rules.yaml"), dump(rules.spec));

function promtool(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(findProgram("promtool"), args, {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, text: `${stdout}${stderr}` };
}

test("all are understood, and none twice", () => {
  const { status, text } = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml");
  assert.equal(status, 0, text);
  const names = rules.spec.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  assert.ok(names.length > 15 && new Set(names).size === names.length);
});

interface Case {
  readonly alert: string;
  /** Series with their values, a minute apart: in trouble, and well. */
  readonly series: Readonly<Record<string, readonly [string, string]>>;
  readonly at: string;
}

const pod = 'namespace="mail",pod="out-0"';
const cases: readonly Case[] = [
  {
    alert: "MailfleetQueueOld",
    series: { [`mta_queue_oldest_due_seconds{${pod}}`]: ["4000+60x60", "5x60"] },
    at: "30m",
  },
  {
    alert: "MailfleetSpoolBroken",
    series: { [`mta_spool_trouble{${pod},reason="spool-broken"}`]: ["0 0 1x60", "0x60"] },
    at: "5m",
  },
  {
    alert: "MailfleetSpoolFull",
    series: { [`mta_spool_trouble{${pod},reason="spool-full"}`]: ["1x60", "0x60"] },
    at: "5m",
  },
  {
    alert: "MailfleetSpoolFillsUp",
    series: {
      [`mta_spool_free_bytes{${pod}}`]: ["500x60", "5000x60"],
      [`mta_spool_floor_bytes{${pod}}`]: ["200x60", "200x60"],
    },
    at: "30m",
  },
  { alert: "MailfleetEngineNotReady", series: { [`mta_ready{${pod}}`]: ["0x60", "1x60"] }, at: "30m" },
  {
    alert: "MailfleetCertificateEnds",
    series: { [`mta_certificate_end_timestamp_seconds{${pod},server="mx"}`]: ["900000x120", "9000000x120"] },
    at: "2h",
  },
  {
    alert: "MailfleetPluginCrashed",
    series: { [`mta_plugin_crashes_total{${pod},plugin="p"}`]: ["0 0 1x60", "3x60"] },
    at: "10m",
  },
  {
    alert: "MailfleetScriptErrors",
    series: { [`mta_script_errors_total{${pod},hook="eod"}`]: ["0+3x60", "3x60"] },
    at: "20m",
  },
  {
    alert: "MailfleetMailRefused",
    series: {
      [`mta_session_messages_refused_total{${pod}}`]: ["0+60x60", "0+1x60"],
      [`mta_session_messages_accepted_total{${pod}}`]: ["0+10x60", "0+60x60"],
    },
    at: "40m",
  },
  {
    alert: "MailfleetDeliveryFails",
    series: {
      [`mta_delivery_outcomes_total{${pod},outcome="failed"}`]: ["0+60x60", "0+1x60"],
      [`mta_delivery_outcomes_total{${pod},outcome="delivered"}`]: ["0+60x60", "0+60x60"],
    },
    at: "40m",
  },
];

/** Judged by their names alone: labels and texts are for people. */
function judge({ alert, series, at }: Case, which: 0 | 1): void {
  const tests = [
    {
      interval: "1m",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values: values[which] })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: at,
          exp_samples: [{ labels: "{}", value: 1 - which }],
        },
      ],
    },
  ];
  const unit = { rule_files: ["rules.yaml"], evaluation_interval: "1m", tests };
  writeFileSync(join(folder, `${alert}.yaml`), dump(unit));
  const { status, text } = promtool("test", "rules", `${alert}.yaml`);
  assert.equal(status, 0, text);
}

for (const each of cases) {
  test(`${each.alert} fires when it should, and not when all is well`, () => {
    judge(each, 0);
    judge(each, 1);
  });
}
