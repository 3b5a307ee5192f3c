/** The feature tables of docs/comparison.md: no mark of ours without the test that it rests on. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { ScriptingConfig } from "#contract/scripting-config.ts";
import { mailClusterConditions } from "#crds/conditions.ts";

import { tierOf } from "./tiers.ts";
import { root } from "./tree.ts";

const page = readFileSync(`${root}docs/comparison.md`, "utf8");
const [, operator = "", engine = ""] = page.split(/^## /m);

/** Cells of the rows of a table, without its head. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return lines
    .slice(1)
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/^\||\|$/g, "").trim()));
}

const rows = [
  ...rowsOf(operator).map(([, feature = "", ours = ""]) => ({ feature, ours })),
  ...rowsOf(engine).map(([feature = "", ours = ""]) => ({ feature, ours })),
];

test("every row of the reference on operators has its number", () => {
  const numbers = rowsOf(operator).map(([number]) => Number(number));
  assert.deepEqual(
    numbers,
    Array.from({ length: 50 }, (_, at) => at + 1),
  );
});

/** Ours and fifteen others, as the line above the table names them. */
test("every row of the reference on mail servers is there, with a mark for each of them", () => {
  assert.equal(rowsOf(engine).length, 56);
  const torn = rowsOf(engine).filter((cells) => cells.length !== 17);
  assert.deepEqual(torn, []);
});

test("numbers that our cells give are those of this repository", () => {
  const words =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
  const spelled = [
    ...words.split(" "),
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "twenty-one",
    "twenty-two",
  ];
  const cellOf = (named: string): string => rows.find(({ feature }) => feature === named)?.ours ?? "";
  const alerts = readFileSync(`${root}helm/mailfleet/templates/prometheus-rule.yaml`, "utf8").match(
    / alert: /g,
  );
  const hooks = Object.keys(ScriptingConfig.parse({ hooks: { predelivery: "", postdelivery: "" } }).hooks);
  const conditions = Object.keys(mailClusterConditions).length;
  assert.match(cellOf("Typed conditions with a reason"), new RegExp(`^● ${spelled[conditions]}, `));
  assert.match(cellOf("Alerts with runbooks"), new RegExp(`^● ${spelled[alerts?.length ?? 0]}, `));
  assert.match(cellOf("Script hooks"), new RegExp(`at ${spelled[hooks.length]} moments`));
});

test("every row says what we have", () => {
  const odd = rows.filter(({ ours }) => !/^[●◐○](?: |$)/.test(ours));
  assert.deepEqual(odd, []);
});

test("what is called complete names a test, and every test that is named is there and runs in a tier", () => {
  const bare: string[] = [];
  const missing: string[] = [];
  for (const { feature, ours } of rows) {
    const links = [...ours.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);
    const tests = links.filter((path) => tierOf(path) !== null);
    if (ours.startsWith("●") && tests.length === 0) bare.push(feature);
    missing.push(...links.filter((path) => !existsSync(`${root}${path}`)));
  }
  assert.deepEqual({ bare, missing }, { bare: [], missing: [] });
});
