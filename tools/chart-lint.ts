/**
 * helm lint with every file of values, then kubeconform over the renders with the schemas of a real API server. Ends with 1
 * and what the program said when one finds something.
 */
import { readdir } from "node:fs/promises";

import { run, tryRun } from "../e2e/peers/shell.ts";
import { chart, findProgram, kubeVersion, render } from "../helm/helm.ts";
import { kubeSchemas } from "./kube-schemas.ts";
import { root } from "./tree.ts";

const testdata = `${root}helm/testdata`;
const helm = findProgram("helm");
const names = (await readdir(testdata)).filter((name) => name.endsWith(".values.yaml")).sort();
for (const name of names) {
  await run(helm, ["lint", "--strict", ...kubeVersion, chart, "--values", `${testdata}/${name}`]);
  process.stdout.write(`[chart-lint] helm lint, ${name}: clean\n`);
}

const schemas = await kubeSchemas((line) => process.stdout.write(`[chart-lint] ${line}\n`));
for (const name of names) await conform(name, schemas);

async function conform(name: string, location: string): Promise<void> {
  const input = await render(`${testdata}/${name}`);
  const result = await tryRun(
    findProgram("kubeconform"),
    [
      "-strict",
      "-summary",
      "-skip",
      "ServiceMonitor,PrometheusRule,CustomResourceDefinition",
      "-schema-location",
      location,
    ],
    { input },
  );
  process.stdout.write(`[chart-lint] kubeconform, ${name}: ${result.stdout}${result.stderr}\n`);
  if (result.code !== 0) process.exitCode = 1;
}
