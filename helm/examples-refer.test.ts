/** What the examples refer to is there: folders that Flux and Argo CD read, values files, objects that scalers name, commands of the pages. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { load, loadAll } from "js-yaml";

import { listFiles, root } from "../tools/tree.ts";

interface Thing {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly resources?: readonly string[];
}
interface Source {
  readonly path: string;
  readonly targetRevision: string;
  readonly helm?: { readonly valueFiles: readonly string[] };
}

const here = "docs/examples";
const things = listFiles()
  .filter((path) => path.startsWith(`${here}/`) && path.endsWith(".yaml") && !path.includes("/health/"))
  .flatMap((file) =>
    (loadAll(readFileSync(root + file, "utf8")) as Thing[]).map((thing) => ({ file, thing })),
  );
const chartYaml = readFileSync(`${root}helm/mailfleet/Chart.yaml`, "utf8");
const release = `v${/^version: "?([^"\n]+)/m.exec(chartYaml)?.[1] ?? ""}`;

function those<T>(kind: string, of: (thing: Thing, file: string) => T): readonly T[] {
  const found = things.filter(({ thing }) => thing?.kind === kind).map(({ thing, file }) => of(thing, file));
  assert.notEqual(found.length, 0, `no ${kind} in the examples`);
  return found;
}

/** A folder of this checkout in which there is YAML. */
function assertManifests(path: string): void {
  assert.ok(existsSync(root + path), path);
  assert.ok(
    readdirSync(root + path).some((name) => name.endsWith(".yaml")),
    `nothing to apply in ${path}`,
  );
}

describe("what the examples refer to", () => {
  test("resources of kustomizations", () => {
    const lists = things.filter(({ file }) => file.endsWith("/kustomization.yaml"));
    assert.equal(lists.length, 2);
    for (const { file, thing } of lists) {
      const others = readdirSync(root + dirname(file)).filter((name) =>
        /^(?!kustomization).*\.yaml$/.test(name),
      );
      assert.deepEqual(thing.resources?.toSorted(), others.sort(), `${file} leaves something out`);
    }
  });

  test("Flux: its folder, its chart, its source and the release", () => {
    const sources = those("GitRepository", ({ metadata, spec }) => {
      assert.deepEqual(spec["ref"], { tag: release });
      return metadata.name;
    });
    const applied = things.filter(({ thing }) => thing.kind === "Kustomization" && thing.spec !== undefined);
    assert.equal(applied.length, 1);
    for (const { thing } of applied) {
      const { path, sourceRef } = thing.spec as { path: string; sourceRef: { name: string } };
      assertManifests(path);
      assert.ok(sources.includes(sourceRef.name));
    }
    those("HelmRelease", ({ spec }) => {
      const { chart } = spec as { chart: { spec: { chart: string; sourceRef: { name: string } } } };
      assert.ok(existsSync(join(root, chart.spec.chart, "Chart.yaml")));
      assert.ok(sources.includes(chart.spec.sourceRef.name));
    });
  });

  test("Argo CD: folders and files of values, which it reads from the folder of the chart", () => {
    those("Application", ({ spec }) => {
      const { path, helm, targetRevision } = spec["source"] as Source;
      if (!existsSync(join(root, path, "Chart.yaml"))) return assertManifests(path);
      assert.equal(targetRevision, release);
      for (const file of helm?.valueFiles ?? [])
        assert.ok(statSync(join(root, path, file)).isFile(), `${path} with ${file}`);
    });
  });

  test("scalers: the cluster beside them, and the Service that the chart makes", () => {
    const clusters = new Map(
      things
        .filter(({ thing }) => thing.kind === "MailCluster")
        .map(({ file, thing }) => [thing.metadata.name, file]),
    );
    for (const kind of ["HorizontalPodAutoscaler", "ScaledObject"])
      those(kind, ({ spec }, file) => {
        const { name } = spec["scaleTargetRef"] as { name: string };
        assert.equal(clusters.get(name), file);
      });
    const values = load(readFileSync(`${root}helm/mailfleet/values.yaml`, "utf8")) as {
      keda: { port: number };
    };
    const golden = readFileSync(`${root}helm/testdata/keda.golden.yaml`, "utf8");
    const names = (loadAll(golden) as (Thing | null)[])
      .filter((thing) => thing?.kind === "Service")
      .map((thing) => thing?.metadata.name ?? "");
    const services = names.map((name) => `${name}.mailfleet-system:${values.keda.port}`);
    those("ScaledObject", ({ spec }) => {
      for (const { metadata } of spec["triggers"] as { metadata: { scalerAddress: string } }[])
        assert.ok(
          services.includes(metadata.scalerAddress),
          `${metadata.scalerAddress}: there are ${services.join(" ")}`,
        );
    });
  });

  test("the pages: every path of a command or link, and every folder has its row", () => {
    const page = readFileSync(`${root}${here}/README.md`, "utf8");
    const folders = readdirSync(root + here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) assert.ok(page.includes(`| [${name}/](${name}) |`), name);
    const commands = [...page.matchAll(/(?:-[fk]|mailfleet) ((?:docs|helm)\/[^\s`]+)/g)].map(
      ([, path = ""]) => path,
    );
    assert.equal(commands.length, 5);
    for (const path of commands) assert.ok(existsSync(root + path), path);
    const argo = readFileSync(`${root}${here}/argocd/README.md`, "utf8");
    const paths = [...argo.matchAll(/health\/[\w./]+/g)].map(([path]) => path);
    assert.notEqual(paths.length, 0);
    for (const path of paths) assert.ok(existsSync(`${root}${here}/argocd/${path}`), path);
  });
});
