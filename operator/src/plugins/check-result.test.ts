import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Pod, PodStatus } from "#operator/kube/objects.ts";

import { checkStateOf, isTakenAway } from "./check-result.ts";

const pod = (status: PodStatus): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "plugin-check-geo-1" },
  spec: { containers: [] },
  status,
});
const check = { refusal: null, sha256: "", roles: [], exported: [], abiVersion: 1 };

describe("the check of a plugin", () => {
  it("is under way until the pod has ended, and says when the image cannot be had", () => {
    assert.deepEqual(checkStateOf(pod({ phase: "Pending" })), {
      kind: "pending",
      reason: "Pending",
      message: "pod plugin-check-geo-1 opens the file",
    });
    const waiting = { reason: "ImagePullBackOff", message: "no such image" };
    const state = checkStateOf(
      pod({ phase: "Pending", initContainerStatuses: [{ name: "plugin-geo", state: { waiting } }] }),
    );
    assert.deepEqual(state, {
      kind: "pending",
      reason: "ImageUnusable",
      message: "ImagePullBackOff: no such image",
    });
  });

  it("is what the program left behind", () => {
    const ended = (message: string) =>
      checkStateOf(
        pod({
          phase: "Succeeded",
          containerStatuses: [{ name: "check", state: { terminated: { exitCode: 0, message } } }],
        }),
      );
    assert.deepEqual(ended(JSON.stringify(check)), { kind: "passed", check });
    const refused = { ...check, refusal: "it is not an ELF file" };
    assert.deepEqual(ended(JSON.stringify(refused)), {
      kind: "refused",
      check: refused,
      message: "it is not an ELF file",
    });
  });

  it("fails when the program ended without a word, or with one that makes no sense", () => {
    const terminated = { exitCode: 139, reason: "Error", message: "segfault" };
    const state = checkStateOf(
      pod({ phase: "Failed", containerStatuses: [{ name: "check", state: { terminated } }] }),
    );
    assert.deepEqual(state, {
      kind: "refused",
      check: null,
      message: "the program that opened the file ended with 139 (Error)",
    });
    assert.equal(checkStateOf(pod({ phase: "Failed", message: "DeadlineExceeded" })).kind, "refused");
  });

  it("is open again when the pod was taken away before the program had spoken, and only then", () => {
    const conditions = [
      { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" },
    ] as const;
    const evicted = (message: string): Pod =>
      pod({
        phase: "Failed",
        conditions,
        containerStatuses: [{ name: "check", state: { terminated: { exitCode: 137, message } } }],
      });
    assert.equal(checkStateOf(evicted("")).kind, "pending");
    assert.equal(isTakenAway(evicted("")), true);
    assert.equal(checkStateOf(evicted(JSON.stringify(check))).kind, "passed");
    const deleted = pod({ phase: "Failed", containerStatuses: [] });
    const going = {
      ...deleted,
      metadata: { ...deleted.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    };
    assert.equal(checkStateOf(going).kind, "pending");
    assert.equal(isTakenAway(deleted), false);
  });
});
