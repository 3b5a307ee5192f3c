/** The chart's renders against golden files (UPDATE_GOLDEN=1 rewrites them), its rights against the operator's table. */
import assert from "node:assert/strict";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { loadAll } from "js-yaml";

import { flags } from "#operator/options.ts";
import { rbac } from "#operator/rbac.ts";
import { run } from "../e2e/peers/shell.ts";
import { root } from "../tools/tree.ts";
import { chart, findProgram, kubeVersion, render } from "./helm.ts";

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly { readonly verbs: readonly string[]; readonly resources: readonly string[] }[];
  readonly spec?: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}

interface Container {
  readonly env: readonly { readonly name: string }[];
}

const testdata = `${root}helm/testdata`;
const cases = (await readdir(testdata)).filter((name) => name.endsWith(".values.yaml")).sort();

for (const name of cases) {
  test(`the chart with ${name} renders what the golden file says`, async () => {
    const golden = `${testdata}/${name.replace(".values.yaml", ".golden.yaml")}`;
    const text = await render(`${testdata}/${name}`);
    if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(golden, `${text}\n`);
    assert.equal(`${text}\n`, await readFile(golden, "utf8"));
  });
}

test("roles hold exactly the operator's rights and no wildcard", async () => {
  const wide = await objects("default");
  const narrow = await objects("namespaced");
  const clusterRoles = wide.filter(({ kind }) => kind === "ClusterRole").map(({ rules }) => rules);
  assert.deepEqual(clusterRoles, [rbac.workload, rbac.nodes]);
  assert.equal(
    narrow.some(({ kind }) => kind.startsWith("ClusterRole")),
    false,
  );
  const selected = (await objects("selected")).find(({ kind }) => kind === "ClusterRole");
  assert.deepEqual(selected?.rules, [...rbac.workload, ...rbac.namespaces]);
  const roles = narrow.filter(
    ({ kind, metadata }) => kind === "Role" && metadata.namespace?.startsWith("mail-"),
  );
  assert.deepEqual(
    roles.map(({ metadata }) => metadata.namespace),
    ["mail-a", "mail-b"],
  );
  for (const role of roles) assert.deepEqual(role.rules, rbac.workload);
  const granted = [...wide, ...narrow].flatMap(({ rules = [] }) => rules);
  assert.equal(
    granted.some(({ verbs, resources }) => [...verbs, ...resources].includes("*")),
    false,
  );
});

test("every variable that the chart sets is one that the operator reads", async () => {
  const deployment = (await objects("keda")).find(({ kind }) => kind === "Deployment");
  const names =
    deployment?.spec?.template.spec.containers.flatMap(({ env }) => env.map(({ name }) => name)) ?? [];
  const known = new Set<string>(Object.values(flags).map(({ env }) => env));
  assert.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
  assert.ok(names.length >= 5);
});

test("an unknown or wrong value is refused by its name", async () => {
  const helm = findProgram("helm");
  const refused = (set: string) => run(helm, ["template", "mailfleet", chart, ...kubeVersion, "--set", set]);
  await assert.rejects(refused("replica=2"), /replica/);
  await assert.rejects(refused("workers=65"), /workers/);
  await assert.rejects(refused("keda.port=0"), /keda/);
  await assert.rejects(refused("namespaceSelector=a=b,watchNamespaces={c}"), /exclude each other/);
  await assert.rejects(refused("keda.enabled=true,replicas=2"), /keda\.enabled needs replicas: 1/);
});

test("the definitions are kept when the release goes", async () => {
  const text = await run(findProgram("helm"), [
    "template",
    "mailfleet",
    chart,
    ...kubeVersion,
    "--show-only",
    "templates/crds/mailclusters.mailfleet.io.yaml",
  ]);
  assert.match(text, /helm\.sh\/resource-policy: keep/);
});

async function objects(name: string): Promise<readonly Rendered[]> {
  const all = loadAll(await render(`${testdata}/${name}.values.yaml`)) as (Rendered | null)[];
  return all.filter((object) => object !== null);
}
