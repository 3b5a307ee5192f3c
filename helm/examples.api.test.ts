/** Every example is taken by a real API server, as its tool would hand it over; and Argo CD's script says what its test data says. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { load } from "js-yaml";

import { run } from "../e2e/peers/shell.ts";
import { chart, findProgram, kubeVersion } from "./helm.ts";
import { Admin, apiServerFromEnvironment, prepare, readYaml } from "../operator/testing/api-server.ts";
import { healthOf } from "../operator/testing/argo-health.ts";
import { foreignDefinitions } from "../tools/foreign-definitions.ts";

const here = new URL("../docs/examples/", import.meta.url).pathname;
const server = apiServerFromEnvironment();

describe("examples", { skip: server === null, timeout: 900_000 }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "examples-"));
    await prepare(admin, ["mail", "mailfleet-system", "flux-system", "argocd"]);
    for (const project of ["flux", "argocd", "keda"] as const)
      for (const file of await foreignDefinitions(project))
        await kubectl(["apply", "--server-side", "-f", file]);
    await kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=120s"]);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function kubectl(args: readonly string[], input?: string): Promise<string> {
    const where = ["--kubeconfig", server?.kubeconfig ?? ""];
    return run(findProgram("kubectl"), [...where, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { HOME: folder },
    });
  }

  /** What the server would make of it; an unknown or doubled field is an error. */
  async function tryOut(input: string, namespace: string): Promise<readonly string[]> {
    const dry = ["apply", "--dry-run=server", "--server-side", "--validate=strict"];
    const printed = await kubectl([...dry, "-n", namespace, "-o", "name", "-f", "-"], input);
    return printed.split("\n");
  }

  test("kubectl: each file is taken", async () => {
    const names: string[] = [];
    for (const file of await readdir(`${here}kubectl`))
      names.push(...(await tryOut(await readFile(`${here}kubectl/${file}`, "utf8"), "mail")));
    assert.deepEqual(names.sort(), [
      "horizontalpodautoscaler.autoscaling/external",
      "mailcluster.mailfleet.io/elastic",
      "mailcluster.mailfleet.io/external",
      "mailcluster.mailfleet.io/keda",
      "mailcluster.mailfleet.io/orders",
      "mailcluster.mailfleet.io/outbound",
      "scaledobject.keda.sh/keda",
    ]);
  });

  for (const file of ["small.values.yaml", "large.values.yaml"])
    test(`helm: the chart takes ${file}, and the server takes what it renders`, async () => {
      const values = ["--values", `${here}helm/${file}`, "--namespace", "mailfleet-system"];
      await run(findProgram("helm"), ["lint", "--strict", ...kubeVersion, chart, ...values]);
      const render = ["template", "mailfleet", chart, ...kubeVersion, ...values];
      const rendered = await run(findProgram("helm"), render);
      const served = rendered
        .split(/^---$/m)
        .filter((text) => !/^kind: ServiceMonitor$/m.test(text))
        .join("\n---\n");
      const names = await tryOut(served, "mailfleet-system");
      assert.ok(names.includes("deployment.apps/mailfleet"), names.join(" "));
    });

  test("Flux: what kustomize builds is taken, and the chart takes the values of the release", async () => {
    const documents = (await kubectl(["kustomize", `${here}flux`])).split(/^---$/m);
    // The project publishes no module with the definition of a HelmRelease: its values are tried instead.
    const release = documents.find((text) => /^kind: HelmRelease$/m.test(text)) ?? "";
    const others = documents.filter((text) => text !== release).join("\n---\n");
    assert.deepEqual((await tryOut(others, "flux-system")).toSorted(), [
      "gitrepository.source.toolkit.fluxcd.io/mailfleet",
      "kustomization.kustomize.toolkit.fluxcd.io/mail-clusters",
      "namespace/mailfleet-system",
    ]);
    const { spec } = load(release) as { spec: { values: unknown; chart: { spec: { chart: string } } } };
    assert.equal(spec.chart.spec.chart, "helm/mailfleet");
    const file = join(folder, "values.json");
    await writeFile(file, JSON.stringify(spec.values));
    await run(findProgram("helm"), ["template", "mailfleet", chart, ...kubeVersion, "--values", file]);
  });

  test("Argo CD: what kustomize builds is taken", async () => {
    const names = await tryOut(await kubectl(["kustomize", `${here}argocd`]), "argocd");
    assert.deepEqual(names.toSorted(), [
      "application.argoproj.io/mail-clusters",
      "application.argoproj.io/mailfleet",
    ]);
  });

  test("Argo CD: the script tells the health of each of its test data", async () => {
    const { tests } = readYaml(`${here}argocd/health/health_test.yaml`) as {
      tests: { healthStatus: unknown; inputPath: string }[];
    };
    const folderOf = `${here}argocd/health/`;
    for (const { healthStatus, inputPath } of tests)
      assert.deepEqual(await healthOf(readYaml(`${folderOf}${inputPath}`)), healthStatus, inputPath);
    assert.equal(tests.length, (await readdir(`${folderOf}testdata`)).length);
  });
});
