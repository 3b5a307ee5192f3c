import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { ContainerStatus, PersistentVolumeClaim, Pod, PodStatus } from "#operator/kube/objects.ts";

import { aContext, anEngine, aSlot } from "../../testing/builders.ts";
import { claim } from "../desired/claim.ts";
import { pod } from "../desired/pod.ts";
import { observePod, observeSlots } from "./observed.ts";
import { parseQuantity } from "./quantity.ts";
import { wantedSize } from "./size.ts";

const withStatus = (slot: number, status: PodStatus): Pod => {
  const made = pod(aContext(), slot);
  return { ...made, metadata: { ...made.metadata, uid: `uid-${slot}` }, status };
};

describe("observed slots", () => {
  it("bring together what has the same number, in order", () => {
    const context = aContext();
    const slots = observeSlots(
      [pod(context, 10), pod(context, 2)],
      [claim(context, 2), claim(context, 1)],
      new Map(),
    );
    assert.deepEqual(
      slots.map(({ slot, pod: has, claim: holds }) => [slot, has?.name ?? null, holds?.name ?? null]),
      [
        [1, null, "outbound-1"],
        [2, "outbound-2", "outbound-2"],
        [10, "outbound-10", null],
      ],
    );
  });

  it("know only engines that answered under the pod's own uid", () => {
    const [first] = observeSlots([withStatus(0, { phase: "Running" })], [], new Map([["uid-0", anEngine()]]));
    assert.equal(first?.pod?.engine?.state, "Serving");
    const [other] = observeSlots(
      [withStatus(0, { phase: "Running" })],
      [],
      new Map([["uid-old", anEngine()]]),
    );
    assert.equal(other?.pod?.engine, null);
  });

  it("leave out what carries no slot", () => {
    const made = claim(aContext(), 0);
    const foreign: PersistentVolumeClaim = { ...made, metadata: { ...made.metadata, labels: {} } };
    assert.deepEqual(observeSlots([], [foreign], new Map()), []);
  });

  it("see the annotation that gives the mail up", () => {
    const made = claim(aContext(), 0);
    const annotations = { "mailfleet.io/discard-mail": "true" };
    const given: PersistentVolumeClaim = { ...made, metadata: { ...made.metadata, annotations } };
    assert.equal(observeSlots([], [given], new Map())[0]?.claim?.isDiscarded, true);
    assert.equal(observeSlots([], [made], new Map())[0]?.claim?.isDiscarded, false);
  });
});

describe("the reason of a pod", () => {
  const reasonOf = (status: PodStatus): string | null => observePod(withStatus(0, status), null).reason;

  it("is the container's, with the exit code of a crash", () => {
    const crashed = {
      name: "mta",
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 64 } },
    };
    assert.equal(reasonOf({ containerStatuses: [crashed] }), "CrashLoopBackOff (exit 64)");
    assert.equal(
      reasonOf({ containerStatuses: [{ name: "mta", state: { waiting: { reason: "ImagePullBackOff" } } }] }),
      "ImagePullBackOff",
    );
  });

  it("is the end of a container that failed, of one before the engine as well", () => {
    const ended = (exitCode: number, reason?: string): ContainerStatus => ({
      name: "mta",
      state: { terminated: { exitCode, ...(reason === undefined ? {} : { reason }) } },
    });
    assert.equal(reasonOf({ containerStatuses: [ended(137, "OOMKilled")] }), "OOMKilled (exit 137)");
    assert.equal(reasonOf({ initContainerStatuses: [ended(1)], containerStatuses: [] }), "Error (exit 1)");
    assert.equal(reasonOf({ initContainerStatuses: [ended(0, "Completed")] }), null);
  });

  it("is the pod's where no container has one", () =>
    assert.equal(reasonOf({ phase: "Failed", reason: "Evicted" }), "Evicted"));

  it("is the scheduler's while there is no node", () => {
    const conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] as const;
    assert.equal(reasonOf({ phase: "Pending", conditions }), "SchedulingGated");
    const silent = [{ type: "PodScheduled", status: "False" }] as const;
    assert.equal(reasonOf({ phase: "Pending", conditions: silent }), "Unschedulable");
  });

  it("is none while all goes its way", () => {
    for (const reason of ["ContainerCreating", "PodInitializing"]) {
      const starting = { name: "mta", state: { waiting: { reason } } };
      assert.equal(reasonOf({ phase: "Pending", containerStatuses: [starting] }), null);
    }
    const conditions = [{ type: "PodScheduled", status: "True", reason: "Placed" }] as const;
    assert.equal(reasonOf({ phase: "Running", conditions }), null);
  });
});

describe("the wanted size", () => {
  it("is what the spec says", () => {
    assert.equal(wantedSize({ replicas: 0, lastFollowed: 5, slots: [aSlot(0)] }), 0);
  });

  it("stays as it was when the spec says nothing", () => {
    assert.equal(wantedSize({ replicas: undefined, lastFollowed: 5, slots: [aSlot(0)] }), 5);
  });

  it("is what is there when the status is lost too", () => {
    assert.equal(
      wantedSize({ replicas: undefined, lastFollowed: undefined, slots: [aSlot(0), aSlot(3)] }),
      2,
    );
  });
});

describe("quantities", () => {
  it("compare whatever their unit", () => {
    assert.equal(parseQuantity("10Gi"), 10 * 1024 ** 3);
    assert.equal(parseQuantity("1.5k"), 1500);
    assert.equal(parseQuantity("500m"), 0.5);
    assert.equal(parseQuantity("7"), 7);
  });

  it("are refused when they are none", () => {
    for (const text of ["", "Gi", "10GB", "-1", "1e3"]) assert.equal(parseQuantity(text), null, text);
  });
});
