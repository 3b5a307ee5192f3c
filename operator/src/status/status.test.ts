import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { mailClusterConditions } from "#crds/conditions.ts";
import { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import { decideSlots } from "#operator/slots/decide.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import { roundFigure } from "#operator/slots/round-figure.ts";

import { aSlot, aSlotInput, aSpec, anEngine } from "../../testing/builders.ts";
import { type StatusInput, makeStatus } from "./mail-cluster-status.ts";

const at = (time: string): Date => new Date(`2026-01-01T${time}.456Z`);

function anInput(changes: Partial<StatusInput> = {}): StatusInput {
  const slots = changes.slots ?? [aSlot(0), aSlot(1)];
  const size = changes.size ?? 2;
  const deletion = changes.deletion ?? null;
  const decision = decideSlots(aSlotInput({ slots, size, deletion, leavingBefore: new Set([2]) }));
  return {
    clusterName: "outbound",
    generation: 4,
    now: at("10:00:00"),
    previous: {},
    spec: aSpec(),
    size,
    scaled: { size, decision: null },
    identities: null,
    waitsFor: null,
    wishes: { isPaused: false, isHibernating: false, rollout: null },
    deletion,
    slots,
    isNodeAddress: () => false,
    decision,
    config: { kind: "rendered", revision: "rev-1" },
    rollout: null,
    lastGood: null,
    spamhaus: { section: null, keys: new Map(), candidate: null, faults: [], keyProblem: null },
    plugins: [],
    pluginProblems: [],
    web: null,
    refused: [],
    hashOf: () => "hash",
    partsOf: () => ({}),
    ...changes,
  };
}

/** "Ready=True AllPodsReady": the conditions of an input, one a line. */
function verdicts(changes: Partial<StatusInput> = {}): Record<string, string> {
  return Object.fromEntries(
    makeStatus(anInput(changes)).conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
}

function messageOf(type: string, changes: Partial<StatusInput>): string {
  return makeStatus(anInput(changes)).conditions.find((condition) => condition.type === type)?.message ?? "";
}

describe("the status of a MailCluster", () => {
  it("is settled when all is as wanted", () => {
    assert.deepEqual(verdicts(), {
      Ready: "True AllPodsReady",
      Reconciling: "False Settled",
      Stalled: "False Moving",
      ConfigApplied: "True Applied",
      PluginsReady: "True NoPlugins",
      SpamhausHealthy: "True Disabled",
      RolloutComplete: "True Complete",
      ScalingActive: "False NotInternal",
      ScaleDownBlocked: "False NotLeaving",
      SpoolsHealthy: "True Healthy",
      IdentitiesHeld: "True NoIdentities",
      ClientIPVisible: "Unknown FewSessions",
      Fenced: "False NotFenced",
      Paused: "False NotPaused",
      Hibernated: "False Awake",
    });
  });

  it("is Ready while its web administration is not: mail goes on", () => {
    const found = verdicts({
      web: { image: "web:test", deployment: null, route: null, hasOrdersPolicy: true },
    });
    assert.equal(found["WebAdminReady"], "False Progressing");
    assert.deepEqual([found["Ready"], found["Stalled"]], ["True AllPodsReady", "False Moving"]);
  });

  it("passes its own schema", () => {
    const status = makeStatus(anInput({ slots: [aSlot(0), aSlot(1, { pod: null })] }));
    assert.deepEqual(MailClusterStatus.parse(status), status);
  });

  it("counts pods and names their selector", () => {
    const status = makeStatus(anInput({ slots: [aSlot(0), aSlot(1, { pod: { isReady: false } })] }));
    assert.deepEqual([status.replicas, status.readyReplicas, status.targetReplicas], [2, 1, 2]);
    assert.equal(status.selector, "app.kubernetes.io/name=mailfleet-mta,mailfleet.io/cluster=outbound");
  });

  it("is the same when nothing has happened but time", () => {
    const first = makeStatus(anInput());
    const later = makeStatus(anInput({ previous: first, now: at("11:00:00") }));
    assert.deepEqual(later, first);
  });

  it("moves the time of a condition only when its status flips", () => {
    const first = makeStatus(anInput());
    const slots = [aSlot(0), aSlot(1, { pod: { isReady: false, reason: "CrashLoopBackOff (exit 64)" } })];
    const later = makeStatus(anInput({ previous: first, slots, now: at("11:00:00") }));
    const timeOf = (type: string) => later.conditions.find((each) => each.type === type)?.lastTransitionTime;
    assert.equal(timeOf("Ready"), "2026-01-01T11:00:00Z");
    assert.equal(timeOf("Stalled"), "2026-01-01T10:00:00Z");
  });

  it("speaks of the generation that was judged", () => {
    const status = makeStatus(anInput({ generation: 9 }));
    assert.equal(status.observedGeneration, 9);
    assert.ok(status.conditions.every(({ observedGeneration }) => observedGeneration === 9));
  });

  it("uses only reasons that are documented", () => {
    for (const [type, verdict] of Object.entries(verdicts({ slots: [] }))) {
      const { reasons } = mailClusterConditions[type as keyof typeof mailClusterConditions];
      assert.ok(Object.keys(reasons).includes(verdict.split(" ")[1] ?? ""), `${type} ${verdict}`);
    }
  });
});

describe("conditions", () => {
  it("a new cluster is being made", () => {
    const found = verdicts({ slots: [] });
    assert.equal(found["Ready"], "False PodsNotReady");
    assert.equal(found["Reconciling"], "True CreatingPods");
    assert.equal(found["ConfigApplied"], "False Pending");
  });

  it("a pod that does not start is named with its reason", () => {
    const slots = [aSlot(0), aSlot(1, { pod: { isReady: false, reason: "ImagePullBackOff", engine: null } })];
    assert.equal(verdicts({ slots })["Reconciling"], "True WaitingForPods");
    assert.match(
      messageOf("Ready", { slots }),
      /1 of 2 pods are ready; not ready: slot 1 \(ImagePullBackOff\)/,
    );
  });

  it("a broken configuration is told with its place, and that the last good one runs on", () => {
    const problems = [{ file: "smtpd-app.yaml", path: "servers[0].x", reason: "unknown key" }];
    const changes: Partial<StatusInput> = {
      config: { kind: "broken", reason: "Invalid", problems },
      lastGood: "rev-1",
    };
    const found = verdicts(changes);
    assert.equal(found["ConfigApplied"], "False Invalid");
    assert.equal(found["Stalled"], "True ConfigBroken");
    assert.equal(found["Ready"], "False ConfigBroken");
    assert.equal(found["Reconciling"], "False Settled");
    assert.equal(
      messageOf("ConfigApplied", changes),
      "smtpd-app.yaml: servers[0].x: unknown key; pods go on with the last good revision rev-1",
    );
  });

  it("a configuration that one pod does not run yet is on its way", () => {
    const slots = [aSlot(0, { pod: { engine: anEngine({ revision: "rev-2" }) } }), aSlot(1)];
    const changes: Partial<StatusInput> = { slots, config: { kind: "rendered", revision: "rev-2" } };
    assert.equal(verdicts(changes)["ConfigApplied"], "False Pending");
    assert.equal(verdicts(changes)["Reconciling"], "True ApplyingConfig");
    assert.match(messageOf("ConfigApplied", changes), /slot 1 \(rev-1\)/);
  });

  it("a pod that leaves with mail is no fault, one that is silent is", () => {
    const leaving = (pod: object): ObservedSlot[] => [aSlot(0), aSlot(1), aSlot(2, { pod })];
    const draining = leaving({ isReady: false, engine: anEngine({ state: "Cordoned", queued: 7 }) });
    assert.equal(verdicts({ slots: draining })["ScaleDownBlocked"], "False Draining");
    assert.equal(verdicts({ slots: draining })["Ready"], "True AllPodsReady");
    assert.equal(verdicts({ slots: draining })["Reconciling"], "True ScalingDown");
    assert.equal(verdicts({ slots: leaving({ engine: null }) })["ScaleDownBlocked"], "True QueueUnknown");
  });

  it("a plugin that does not exist stalls", () => {
    const pluginProblems = [{ name: "warmup", reason: "NotFound", message: "there is none" }] as const;
    const config = { kind: "broken", reason: "PluginsMissing", problems: [] } as const;
    const found = verdicts({ pluginProblems, config });
    assert.equal(found["PluginsReady"], "False NotFound");
    assert.equal(found["Stalled"], "True PluginsMissing");
    assert.equal(found["ConfigApplied"], "False PluginsMissing");
  });

  it("a cluster of no pods is ready once none is left", () => {
    assert.equal(verdicts({ size: 0, slots: [] })["Ready"], "True NoPodsWanted");
    assert.equal(verdicts({ size: 0, slots: [] })["ConfigApplied"], "True Applied");
  });

  it("a deleted cluster is never ready", () => {
    const found = verdicts({ deletion: "Drain" });
    assert.equal(found["Ready"], "False Deleting");
    assert.equal(found["Reconciling"], "True Deleting");
  });
});

describe("leaving slots", () => {
  const engine = (changes: Parameters<typeof anEngine>[0]) =>
    anEngine({ state: "Draining", handover: { given: 3, unanswered: 0, waitsFor: null }, ...changes });
  const leaving = (changes: Parameters<typeof anEngine>[0]): Partial<StatusInput> => ({
    slots: [aSlot(0), aSlot(1), aSlot(2, { pod: { isReady: false, engine: engine(changes) } })],
  });

  it("carry the time at which they were chosen for as long as they leave", () => {
    const first = makeStatus(anInput(leaving({ queued: 7 })));
    assert.equal(first.pods[2]?.leavingSince, "2026-01-01T10:00:00Z");
    const later = makeStatus(anInput({ ...leaving({ queued: 7 }), previous: first, now: at("10:30:00") }));
    assert.equal(later.pods[2]?.leavingSince, "2026-01-01T10:00:00Z");
    const back = makeStatus(anInput({ previous: later }));
    assert.ok(back.pods.every(({ leavingSince }) => leavingSince === undefined));
  });

  it("say at which stage they are", () => {
    const stateOf = (changes: Parameters<typeof anEngine>[0]) =>
      makeStatus(anInput(leaving(changes))).pods[2]?.state;
    assert.equal(stateOf({ queued: 7 }), "Draining");
    assert.equal(stateOf({ queued: 7, state: "Cordoned" }), "Cordoned");
    assert.equal(stateOf({}), "Empty");
  });

  it("say what they wait for, and that it takes too long", () => {
    const handover = { given: 0, unanswered: 5, waitsFor: "outbound-0: full" };
    const input = leaving({ queued: 7, handover });
    assert.equal(messageOf("ScaleDownBlocked", input), "slot 2 hands over 7, and waits for outbound-0: full");
    const late = { ...input, previous: makeStatus(anInput(input)), now: at("11:00:01") };
    assert.equal(verdicts(late)["ScaleDownBlocked"], "True Overdue");
    assert.match(messageOf("ScaleDownBlocked", late), /^after 3600 s: .*mailfleet\.io\/force-delete-slot$/);
  });
});

describe("the autoscaler's record", () => {
  const spec = aSpec({ replicas: undefined, autoscaling: { mode: "Internal", maxReplicas: 9 } });
  const decided = (replicas: number, changes: object = {}): Partial<StatusInput> => ({
    spec,
    scaled: {
      size: replicas,
      decision: {
        replicas,
        reason: "Settled",
        message: `${replicas} pods: nothing is waiting`,
        isActive: true,
        history: { wishes: [], changes: [] },
        ...changes,
      },
    },
  });

  it("keeps its time until the number changes", () => {
    const first = makeStatus(anInput(decided(2)));
    assert.equal(first.scaling?.at, "2026-01-01T10:00:00Z");
    const later = { previous: first, now: at("11:00:00") };
    assert.equal(makeStatus(anInput({ ...decided(2), ...later })).scaling?.at, "2026-01-01T10:00:00Z");
    assert.equal(makeStatus(anInput({ ...decided(3), ...later })).scaling?.at, "2026-01-01T11:00:00Z");
  });

  it("says when figures are missing, and when it rests", () => {
    assert.equal(verdicts(decided(2))["ScalingActive"], "True Following");
    assert.equal(verdicts(decided(2, { isActive: false }))["ScalingActive"], "False FiguresUnknown");
    const wishes = { isPaused: true, isHibernating: false, rollout: null };
    const resting = { spec, wishes, scaled: { size: 2, decision: null } };
    assert.equal(verdicts(resting)["ScalingActive"], "False Suspended");
    assert.equal(verdicts(resting)["Paused"], "True Paused");
  });

  it("a cluster that hibernates remembers its size", () => {
    const asleep: Partial<StatusInput> = {
      size: 0,
      slots: [],
      scaled: { size: 4, decision: null },
      wishes: { isPaused: false, isHibernating: true, rollout: null },
    };
    assert.equal(verdicts(asleep)["Hibernated"], "True Hibernated");
    assert.equal(makeStatus(anInput(asleep)).targetReplicas, 4);
  });
});

describe("roll-outs", () => {
  const rollout = {
    revision: "rev-1",
    since: "2026-01-01T09:00:00Z",
    canary: [0],
    message: "slot 0: watched for 30 s",
  };

  it("that are being tried out are neither complete nor the last good one", () => {
    const changes: Partial<StatusInput> = { rollout: { ...rollout, phase: "Canary" }, lastGood: "rev-0" };
    assert.equal(verdicts(changes)["RolloutComplete"], "False Canary");
    assert.equal(verdicts(changes)["Reconciling"], "True ApplyingConfig");
    assert.equal(makeStatus(anInput(changes)).revision.lastGood, "rev-0");
  });

  it("that did badly stall the cluster and say why", () => {
    const config = {
      kind: "taken-back",
      revision: "rev-2",
      phase: "RolledBack",
      message: "slot 0 ended and started anew",
    } as const;
    const changes: Partial<StatusInput> = {
      config,
      rollout: { ...rollout, revision: "rev-2", phase: "RolledBack" },
      lastGood: "rev-1",
    };
    const found = verdicts(changes);
    assert.equal(found["RolloutComplete"], "False RolledBack");
    assert.equal(found["Stalled"], "True RolledBack");
    assert.equal(found["Reconciling"], "False Settled");
    assert.match(messageOf("ConfigApplied", changes), /rev-2 did badly: slot 0 ended/);
  });
});

describe("revisions", () => {
  it("the target becomes the last good one when every pod runs it", () => {
    assert.deepEqual(makeStatus(anInput()).revision, {
      current: "rev-1",
      target: "rev-1",
      lastGood: "rev-1",
    });
  });

  it("while pods differ there is no current one and the last good one stays", () => {
    const slots = [aSlot(0, { pod: { engine: anEngine({ revision: "rev-2" }) } }), aSlot(1)];
    const { revision } = makeStatus(
      anInput({ slots, config: { kind: "rendered", revision: "rev-2" }, lastGood: "rev-1" }),
    );
    assert.deepEqual(revision, { target: "rev-2", lastGood: "rev-1" });
  });

  it("a pod that does not answer is no proof", () => {
    const slots = [aSlot(0), aSlot(1, { pod: { engine: null } })];
    assert.equal(makeStatus(anInput({ slots })).revision.current, undefined);
  });
});

describe("figures", () => {
  const queued = (...figures: (number | null)[]): ObservedSlot[] =>
    figures.map((figure, slot) =>
      aSlot(slot, { pod: { engine: figure === null ? null : anEngine({ queued: figure }) } }),
    );

  it("unknown is not zero", () => {
    assert.deepEqual(makeStatus(anInput({ slots: queued(null, null) })).queue, { podsUnknown: 2 });
    assert.deepEqual(makeStatus(anInput({ slots: queued(3, null) })).queue.total, 3);
    assert.deepEqual(makeStatus(anInput({ slots: queued(3, null) })).queue.podsUnknown, 1);
  });

  it("only an empty queue reads 0", () => {
    assert.equal(makeStatus(anInput({ slots: queued(0, 0) })).queue.total, 0);
    assert.equal(makeStatus(anInput({ slots: queued(1, 0) })).queue.total, 1);
  });

  it("are rounded up to a few steps, so that a busy cluster seldom writes", () => {
    assert.deepEqual(
      [0, 1, 9, 10, 11, 15, 16, 94, 96, 100, 101, 1234, 98_765].map(roundFigure),
      [0, 1, 9, 10, 15, 15, 20, 95, 100, 100, 150, 1500, 100_000],
    );
  });
});
