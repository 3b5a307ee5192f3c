import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { CustomObject } from "#operator/kube/objects.ts";

import { anEngine } from "../../testing/builders.ts";
import { queueScreen } from "./queue-screen.ts";
import { listScreen, statusScreen } from "./status-screen.ts";

const condition = (type: string, status: string, reason: string, message = "") => ({
  type,
  status,
  reason,
  message,
});
const object = (status: object): CustomObject => ({
  apiVersion: "mailfleet.io/v1alpha1",
  kind: "MailCluster",
  metadata: { name: "out", namespace: "mail", uid: "u" },
  status,
});

const well = {
  readyReplicas: 2,
  targetReplicas: 2,
  queue: { total: 120, deferred: 20, podsUnknown: 0 },
  revision: { current: "rev-1", lastGood: "rev-1" },
  conditions: [
    condition("Ready", "True", "AllPodsReady"),
    condition("Reconciling", "False", "Settled"),
    condition("ScalingActive", "False", "NotInternal"),
  ],
  pods: [{ slot: 0, state: "Serving", queued: 120, revision: "rev-1", node: "n1" }],
};

describe("the status on one screen", () => {
  test("of a cluster that is well is short", () => {
    const text = statusScreen(object(well), []);
    assert.match(text, /^MailCluster out in mail: ready, 2 of 2 pods, 120 queued, 20 of them deferred\n/);
    assert.doesNotMatch(text, /Wants attention|About to happen/);
    assert.match(text, /0 +Serving +120 +rev-1 +n1/);
  });

  test("shows what wants attention, what is about to happen, and who sleeps", () => {
    const text = statusScreen(
      object({
        ...well,
        conditions: [
          condition("Ready", "False", "PodsNotReady", "1 of 2"),
          condition("SpoolsHealthy", "False", "SpoolFull", "slot 0"),
        ],
        plan: [{ slot: 1, action: "ReplacePod", reason: "EngineImage", waitsFor: "CanaryFirst" }],
        pods: [{ slot: 1, state: "Retained", wakeAt: "2026-01-01T00:00:00Z" }],
      }),
      [{ at: "2026-01-01T00:00:00Z", reason: "PodDeleted", note: "pod out-1" }],
    );
    assert.match(text, /SpoolsHealthy=False +SpoolFull +slot 0/);
    assert.match(text, /slot 1 +ReplacePod +EngineImage +waits: CanaryFirst/);
    assert.match(text, /1 +Retained +\? +\? +sleeps until 2026/);
    assert.match(text, /PodDeleted +pod out-1/);
  });

  test("of one that nobody looked at says so, and unknown is not zero", () => {
    assert.match(listScreen([object({})]), /^out +the operator has not looked at it yet/);
    assert.match(statusScreen(object({ ...well, queue: { podsUnknown: 2 } }), []), /queue unknown/);
    assert.equal(listScreen([]), "There is no MailCluster here.\n");
  });

  test("lets no stranger move the cursor", () => {
    const events = [{ at: "t", reason: "R", note: "a\u001b[2Jb\nc" }];
    assert.match(statusScreen(object(well), events), /a \[2Jb c/);
  });
});

test("queues are shown pod by pod, and a pod that is silent is unknown", () => {
  const entry = {
    id: "m/0",
    messageId: "m",
    sender: "a@b.net",
    recipient: "c@d.net",
    transportId: "mx",
    status: "deferred",
    attempts: 2,
    receivedAt: "2026-01-01T00:00:00Z",
    dueAt: "2026-01-01T01:00:00Z",
    lastReply: "451 later\u001b]0;x",
    sizeBytes: 10,
  } as const;
  const text = queueScreen([
    { pod: "out-0", status: anEngine({ queued: 3 }), page: { entries: [entry], next: null }, reason: "" },
    { pod: "out-1", status: null, page: null, reason: "no answer" },
  ]);
  assert.match(text, /out-0 +Serving +3 +0 +\? +3 +0 +0 s/);
  assert.match(text, /out-1 +unknown: no answer/);
  assert.match(text, /out-0 +m\/0 +deferred +2 +\S+ +c@d\.net +451 later \]0;x/);
});
