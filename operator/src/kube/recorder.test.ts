import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeKube } from "../../testing/fake-kube.ts";
import { type KubeEvent, resources } from "./objects.ts";
import { EventRecorder } from "./recorder.ts";

function setUp() {
  const clock = new ManualClock();
  const kube = new FakeKube({ clock });
  const recorder = new EventRecorder({ kube, clock, log: silentLog, instance: "op-0" });
  const regarding = {
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "MailCluster",
    metadata: { name: "out", namespace: "mail", uid: "u1" },
  };
  const say = (note: string): void =>
    recorder.record({ regarding, type: "Normal", reason: "PodCreated", action: "CreatePod", note });
  const events = async (): Promise<readonly KubeEvent[]> => {
    await recorder.flush();
    return kube.peekAll<KubeEvent>(resources.events);
  };
  return { clock, kube, say, events };
}

describe("the event recorder", () => {
  test("tells where, what and when, with six digits", async () => {
    const { say, events } = setUp();
    say("pod out-0");
    const [event] = await events();
    assert.match(event?.eventTime ?? "", /\.\d{6}Z$/);
    assert.equal(event?.regarding.uid, "u1");
    assert.equal(event?.metadata.namespace, "mail");
  });

  test("the same thing again becomes a count, written now and then", async () => {
    const { clock, kube, say, events } = setUp();
    for (let i = 0; i < 100; i++) {
      say("pod out-0");
      clock.advance(1000);
    }
    const [event, ...others] = await events();
    assert.deepEqual(others, []);
    assert.ok((event?.series?.count ?? 0) > 50);
    assert.ok(kube.writes.length < 6, `${kube.writes.length} writes`);
  });

  test("one object cannot flood the server", async () => {
    const { clock, say, events } = setUp();
    for (let i = 0; i < 200; i++) say(`note ${i}`);
    assert.equal((await events()).length, 25);
    clock.advance(600_000);
    for (let i = 0; i < 200; i++) say(`later ${i}`);
    assert.equal((await events()).length, 27);
  });

  test("a note is cut to what the server takes, and one that cannot be written is lost quietly", async () => {
    const { kube, say, events } = setUp();
    kube.failNext("apply", "broken");
    say("lost");
    say("ü".repeat(2000));
    const [event] = await events();
    assert.ok(Buffer.byteLength(event?.note ?? "") <= 1024);
  });
});
