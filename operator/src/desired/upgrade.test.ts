/**
 * What an upgrade of the operator does to clusters that nobody changed: nothing. The hashes below are what released pods
 * carry. One that changes restarts all pods of every such cluster: undo it, or say so at the top of CHANGELOG.md and
 * write the new hashes here.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { ResolvedPlugin } from "#operator/plugins/resolve.ts";

import { aContext } from "../../testing/builders.ts";
import { configMap, readConfigMap } from "./config-map.ts";
import { changedParts } from "./pod-parts.ts";
import { pod, podHashOf, podPartsOf } from "./pod.ts";

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

describe("pods of a cluster with a plugin", () => {
  const plugin: ResolvedPlugin = {
    name: "geo",
    id: "geo",
    source: {
      image: { reference: "registry.example/geo:1", path: "geo.so", pullPolicy: "IfNotPresent" },
    },
    pinned: null,
    path: "/opt/halon/plugins/geo/geo.so",
    config: null,
    appConfig: null,
  };
  const image = `registry.example/geo@sha256:${"a".repeat(64)}`;

  test("keep hash and revision over an upgrade while nothing has pinned it", () => {
    const context = aContext({ plugins: [plugin] });
    assert.deepEqual([podHashOf(context, 0), context.config.revision], ["62e2a6f8191b", "8d80088f3029"]);
  });

  test("have the digest of the revision that they are made with, whatever the NativePlugin says by now", () => {
    const pinned = aContext({ plugins: [{ ...plugin, pinned: image }] });
    const later = { ...pinned, plugins: [{ ...plugin, pinned: image.replaceAll("a", "b") }] };
    assert.notEqual(pinned.config.revision, aContext({ plugins: [plugin] }).config.revision);
    assert.equal(
      pod(later, 0).spec.volumes?.find(({ name }) => name === "plugin-geo")?.image?.reference,
      image,
    );
    assert.deepEqual(readConfigMap(configMap(pinned)), pinned.config);
  });

  test("copy the same digest where images cannot be mounted", () => {
    const { operator } = aContext();
    const context = aContext({
      plugins: [{ ...plugin, pinned: image }],
      operator: { ...operator, hasImageVolumes: false },
    });
    const copy = pod(context, 0).spec.initContainers?.find(({ name }) => name === "plugin-geo");
    assert.equal(copy?.image, image);
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
