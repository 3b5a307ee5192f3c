import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Pod } from "#operator/kube/objects.ts";

import { type PluginUse, nativePluginStatus } from "./native-plugin-status.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("the status of a NativePlugin", () => {
  const present = { id: "warmup", path: "/p", state: "present", sha256: "f".repeat(64) } as const;
  const pod = (imageRef?: string): Pod =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "outbound-0" },
      spec: { containers: [] },
      status: {
        containerStatuses: [
          { name: "mta", volumeMounts: [{ name: "plugin-warmup", volumeStatus: { image: { imageRef } } }] },
        ],
      },
    }) as unknown as Pod;
  const statusOf = (uses: readonly PluginUse[], clusters: readonly string[] = ["outbound"]) =>
    nativePluginStatus({
      name: "warmup",
      generation: 3,
      now: new Date("2026-01-01T00:00:00.123Z"),
      invalid: null,
      clusters,
      uses,
      checked: { kind: "off" },
      crashes: [],
      isLifted: false,
      recheck: "",
      isDeleted: false,
      previous: {},
    });
  const verdict = (...uses: PluginUse[]) => {
    const [{ status, reason } = { status: "", reason: "" }] = statusOf(uses).conditions;
    return `${status} ${reason}`;
  };

  it("has file and image digest when all pods agree", () => {
    const status = statusOf([{ cluster: "outbound", pod: pod(`x@${digest}`), report: present }]);
    assert.equal(status.digest, digest);
    assert.equal(status.sha256, present.sha256);
    assert.equal(status.conditions[0]?.status, "True");
    assert.equal(status.conditions[0]?.lastTransitionTime, "2026-01-01T00:00:00Z");
    assert.deepEqual(status.clusters, [{ name: "outbound" }]);
  });

  it("has no digest while pods differ or do not tell", () => {
    const use = { cluster: "outbound", pod: pod() };
    const other = { ...present, sha256: "e".repeat(64) };
    assert.equal(verdict({ ...use, report: present }, { ...use, report: other }), "False DigestsDiffer");
    assert.equal(
      statusOf([
        { ...use, report: present },
        { ...use, report: null },
      ]).sha256,
      undefined,
    );
    assert.equal(verdict({ ...use, report: present }, { ...use, report: null }), "Unknown Pending");
    assert.equal(
      verdict({ ...use, report: { ...present, state: "missing", sha256: "" } }),
      "False FileMissing",
    );
  });

  it("is unknown while nobody uses it", () => {
    assert.equal(statusOf([], []).conditions[0]?.reason, "NotUsed");
  });
});
