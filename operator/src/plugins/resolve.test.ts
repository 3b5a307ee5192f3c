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
    spec: { source, ...spec },
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
