/**
 * What an upgrade of the operator does to clusters that nobody changed: nothing. The hashes below are what released pods
 * carry. One that changes restarts all pods of every such cluster: undo it, or say so at the top of CHANGELOG.md and
 * write the new hashes here.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aContext } from "../../testing/builders.ts";
import { changedParts } from "./pod-parts.ts";
import { podHashOf, podPartsOf } from "./pod.ts";

const specs: Readonly<Record<string, Record<string, unknown>>> = {
  plain: {},
  listeners: {
    listeners: [
      { name: "smtp", port: 25 },
      {
        name: "submissions",
        port: 465,
        type: "submission",
        tls: { secretName: "mail-tls", mode: "Implicit" },
      },
    ],
  },
  shaped: {
    engine: {
      image: "registry.example/mta:1",
      env: [{ name: "A", value: "b" }],
      resources: { limits: { memory: "2Gi" } },
    },
    podTemplate: { nodeSelector: { pool: "mail" }, labels: { team: "mail" } },
    topologySpread: [{ topologyKey: "topology.kubernetes.io/zone" }],
  },
};

const released: Readonly<Record<string, string>> = {
  plain: "c191ead61193",
  listeners: "e76ba86a128a",
  shaped: "fbdc95c5bdc7",
};

describe("pods of a cluster that nobody changed", () => {
  for (const [name, spec] of Object.entries(specs))
    test(`keep their hash over an upgrade of the operator: ${name}`, () => {
      assert.equal(podHashOf(aContext({ spec }), 0), released[name]);
    });
});

describe("the parts of a pod", () => {
  const change = (spec: Record<string, unknown>): string =>
    changedParts(podPartsOf(aContext(), 0), podPartsOf(aContext({ spec }), 0));

  test("name what a change is about", () => {
    assert.equal(change({ engine: { image: "other:2" } }), "EngineImage");
    assert.equal(change({ engine: { resources: { limits: { memory: "2Gi" } } } }), "Resources");
    assert.equal(change({ engine: { env: [{ name: "A", value: "b" }] } }), "Environment");
    assert.equal(change({ podTemplate: { nodeSelector: { pool: "mail" } } }), "Placement");
    assert.equal(change({ podTemplate: { labels: { team: "mail" } } }), "Metadata");
    const { config } = aContext().spec;
    assert.equal(change({ config: { ...config, startup: { logLevel: "debug" } } }), "StartupConfig");
    assert.equal(
      change({ config: { ...config, startup: { shutdownSeconds: 60 } } }),
      "StartupConfig, Template",
    );
  });

  test("are not those of another slot", () => {
    assert.notDeepEqual(podPartsOf(aContext(), 0), podPartsOf(aContext(), 1));
  });

  test("of a pod that does not tell them are all of it", () => {
    assert.equal(changedParts(null, podPartsOf(aContext(), 0)), "Template");
  });
});
