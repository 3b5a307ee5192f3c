import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

import { plainSpec } from "../../testing/builders.ts";
import { resolvePlugins } from "./resolve.ts";

function aPlugin(name: string, spec: Record<string, unknown> = {}): CustomObject {
  const source = { image: { reference: `registry.example/${name}`, path: "lib/it.so" } };
  return {
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "NativePlugin",
    metadata: { name },
    spec: { source, check: "Off", ...spec },
  };
}

function resolve(names: readonly string[], objects: readonly CustomObject[]) {
  const { plugins } = MailClusterSpec.parse({ ...plainSpec, plugins: names.map((name) => ({ name })) });
  return resolvePlugins(plugins, (name) => objects.find(({ metadata }) => metadata.name === name) ?? null);
}

describe("plugins of a cluster", () => {
  it("are found below their own folder, under their own id", () => {
    const { plugins, problems } = resolve(["warmup"], [aPlugin("warmup", { id: "Warm" })]);
    assert.deepEqual(problems, []);
    assert.equal(plugins[0]?.path, "/opt/halon/plugins/warmup/lib/it.so");
    assert.equal(plugins[0]?.id, "Warm");
  });

  it("that do not exist are a problem that says what to do", () => {
    const { problems } = resolve(["warmup"], []);
    assert.equal(problems[0]?.reason, "NotFound");
    assert.match(problems[0]?.message ?? "", /create it, or take it out/);
  });

  it("that break a rule are a problem with the rule's sentence", () => {
    const { problems } = resolve(["warmup"], [aPlugin("warmup", { source: {} })]);
    assert.equal(problems[0]?.reason, "Invalid");
    assert.match(problems[0]?.message ?? "", /exactly one of image/);
  });

  it("may not share an id", () => {
    const { problems } = resolve(["one", "two"], [aPlugin("one"), aPlugin("two", { id: "one" })]);
    assert.deepEqual(
      problems.map(({ name, reason }) => [name, reason]),
      [["two", "Invalid"]],
    );
  });
});

describe("a plugin that must be checked", () => {
  const said = (type: string, status: string, generation = 1): CustomObject => {
    const plugin = aPlugin("geo", { check: "Required" });
    const condition = {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: "2026-01-01T00:00:00Z",
      reason: "R",
      message: "why",
    };
    return {
      ...plugin,
      metadata: { ...plugin.metadata, generation: 1 },
      status: { conditions: [condition] },
    };
  };
  const problemOf = (object: CustomObject) => resolve(["geo"], [object]).problems[0];

  it("is no problem once it has passed for the present spec", () => {
    assert.equal(problemOf(said("Checked", "True")), undefined);
    assert.equal(problemOf(said("Checked", "True", 0))?.reason, "NotChecked");
  });

  it("is a problem while nobody knows, when it was refused, and in quarantine", () => {
    assert.equal(problemOf(aPlugin("geo", { check: "Required" }))?.reason, "NotChecked");
    assert.deepEqual(problemOf(said("Checked", "False")), {
      name: "geo",
      reason: "Refused",
      message: 'NativePlugin "geo": why',
    });
    assert.equal(problemOf(said("Quarantined", "True"))?.reason, "Quarantined");
  });

  it("can still be mounted: pods of an older configuration may need it", () => {
    assert.equal(resolve(["geo"], [said("Checked", "False")]).plugins.length, 1);
  });
});
