import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { RolloutSpec } from "#crds/mail-cluster-scaling.ts";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { chooseConfig } from "./choose-config.ts";
import { decidePush } from "./decide-push.ts";
import { type Rollout, type RolloutInput, decideRollout } from "./decide-rollout.ts";

const files = {
  startup: "s",
  policy: "",
  suspend: "",
  image: "mta:1",
  pluginImages: new Map<string, string>(),
};
const good = { revision: "rev-1", app: "a", ...files };
const next = { revision: "rev-2", app: "b", ...files };
const problems = [{ file: "smtpd-app.yaml", path: "", reason: "no" }];
const plain = {
  rendering: { ok: true, config: next },
  pluginProblems: [],
  refusal: null,
  lastGood: good,
  rollout: null,
} as const;

describe("the configuration that pods run", () => {
  it("is the spec's when it can be made", () => {
    const choice = chooseConfig(plain);
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [next, "all", "rendered"]);
  });

  it("is the last good one while the spec's is broken, and nothing that works is touched", () => {
    const choice = chooseConfig({ ...plain, rendering: { ok: false, reason: "Invalid", problems } });
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [good, "create", "broken"]);
  });

  it("is the last good one when an engine refused the spec's", () => {
    const choice = chooseConfig({ ...plain, refusal: { revision: "rev-2", problems } });
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [good, "create", "refused"]);
  });

  it("is the spec's again when it has changed since it was refused", () => {
    const choice = chooseConfig({ ...plain, refusal: { revision: "rev-0", problems } });
    assert.equal(choice.config, next);
  });

  it("is the last good one while a plugin cannot be had", () => {
    const pluginProblems = [{ name: "warmup", reason: "NotFound", message: "" }] as const;
    assert.equal(chooseConfig({ ...plain, pluginProblems }).config, good);
  });

  it("is the last good one in all pods while a plugin of the spec's is in quarantine", () => {
    const sick = [{ name: "geo", reason: "Quarantined", message: "" }] as const;
    const missing = [{ name: "warmup", reason: "NotFound", message: "" }] as const;
    const podChanges = (changes: Partial<Parameters<typeof chooseConfig>[0]>): string =>
      chooseConfig({ ...plain, ...changes }).podChanges;
    assert.equal(podChanges({ pluginProblems: sick }), "all");
    assert.equal(podChanges({ pluginProblems: [...missing, ...sick] }), "all");
    assert.equal(podChanges({ pluginProblems: missing }), "create");
    assert.equal(podChanges({ pluginProblems: sick, lastGood: next }), "create", "there is no other one");
    assert.equal(podChanges({ pluginProblems: sick, lastGood: null }), "none");
    const rendering = { ok: false, reason: "Invalid", problems } as const;
    assert.equal(podChanges({ pluginProblems: sick, rendering }), "create");
  });

  it("is none when none was ever good", () => {
    const choice = chooseConfig({
      ...plain,
      rendering: { ok: false, reason: "Invalid", problems },
      lastGood: null,
    });
    assert.deepEqual([choice.config, choice.podChanges], [null, "none"]);
  });
});

describe("the push", () => {
  const pushed = (
    slots: Parameters<typeof decidePush>[0]["slots"],
    only: ReadonlySet<number> | null = null,
  ): number[] => decidePush({ slots, revision: "rev-2", hashOf: () => "hash", only }).map(({ slot }) => slot);
  const running = { pod: { engine: anEngine({ revision: "rev-2" }) } };

  it("goes to one engine first", () => assert.deepEqual(pushed([aSlot(0), aSlot(1), aSlot(2)]), [0]));

  it("goes to all others when one runs it", () => {
    assert.deepEqual(pushed([aSlot(0, running), aSlot(1), aSlot(2)]), [1, 2]);
  });

  it("goes to nobody but those that try it out, as long as they do", () => {
    const slots = [aSlot(0, running), aSlot(1), aSlot(2)];
    assert.deepEqual(pushed(slots, new Set([0, 2])), [2]);
    assert.deepEqual(pushed(slots, new Set([0])), []);
    assert.deepEqual(pushed(slots, new Set()), []);
  });

  it("goes to nobody when all run it", () => assert.deepEqual(pushed([aSlot(0, running)]), []));

  it("leaves alone who is silent, stopping, or was started with another smtpd.yaml", () => {
    const stopping = { engine: anEngine({ state: "Stopping" }) };
    const slots = [
      aSlot(0, { pod: { engine: null } }),
      aSlot(1, { pod: stopping }),
      aSlot(2, { pod: { hash: "old" } }),
    ];
    assert.deepEqual(pushed(slots), []);
  });
});

describe("the roll-out", () => {
  const rules = RolloutSpec.parse({});
  const totals = (delivered: number, failed: number, deferred = 0) => ({
    accepted: 0,
    delivered,
    failed,
    deferred,
    unclear: 0,
  });
  const runs = (slot: number, revision: string, changes: Parameters<typeof anEngine>[0] = {}) =>
    aSlot(slot, { pod: { engine: anEngine({ revision, ...changes }) } });
  const start: RolloutInput = {
    target: "rev-2",
    lastGood: "rev-1",
    rules,
    slots: [runs(0, "rev-1"), runs(1, "rev-1"), runs(2, "rev-1")],
    previous: undefined,
    bake: null,
    pluginName: (id) => (id === "Geo" ? "geo-v2" : null),
    order: null,
    now: 0,
    time: "2026-01-01T00:00:00Z",
  };
  /** The next decision, with what the last one left. */
  const then = (last: Rollout, changes: Partial<RolloutInput>): Rollout =>
    decideRollout({ ...start, previous: last.status, bake: last.bake, ...changes });
  const baking = (): Rollout => {
    const slots = [runs(0, "rev-2", { totals: totals(100, 0) }), runs(1, "rev-1"), runs(2, "rev-1")];
    return then(decideRollout(start), { slots });
  };
  const judged = (changes: Partial<RolloutInput>): string => {
    const { status } = then(baking(), { now: 29_000, ...changes });
    return `${status.phase}: ${status.message}`;
  };

  it("of the first revision goes everywhere, and so does the way back to the last good one", () => {
    assert.equal(decideRollout({ ...start, lastGood: null }).status.phase, "Everywhere");
    assert.equal(decideRollout({ ...start, lastGood: "rev-2" }).status.phase, "Everywhere");
  });

  it("goes to as many pods as are to try it, and waits until they run it", () => {
    const { status, bake } = decideRollout(start);
    assert.deepEqual([status.phase, status.canary, bake?.since], ["Canary", [0], null]);
    assert.equal(status.message, "waits for slot 0 to run it");
  });

  it("prefers pods that answer, and those that run something unproven already", () => {
    const slots = [aSlot(0, { pod: { engine: null } }), runs(1, "rev-1"), runs(2, "rev-0")];
    assert.deepEqual(decideRollout({ ...start, slots }).status.canary, [2]);
    const two = { ...rules, canary: { ...rules.canary, pods: 2 } };
    assert.deepEqual(decideRollout({ ...start, slots, rules: two }).status.canary, [1, 2]);
  });

  it("goes back when what it was made with cannot start", () => {
    const stuck = (reason: string) =>
      aSlot(0, { pod: { revision: "rev-2", isReady: false, engine: null, reason, uid: "another" } });
    const slots = (reason: string) => [stuck(reason), runs(1, "rev-1"), runs(2, "rev-1")];
    assert.equal(
      judged({ slots: slots("ImagePullBackOff") }),
      "RolledBack: slot 0 cannot start: ImagePullBackOff",
    );
    assert.match(
      judged({ slots: slots("CrashLoopBackOff (exit 1)") }),
      /^RolledBack: slot 0 cannot start: Crash/,
    );
    assert.match(judged({ slots: slots("Unschedulable") }), /^Canary: waits for slot 0/);
  });

  it("goes back when scripts fail, when mail is refused, or when attempts take far longer than elsewhere", () => {
    const more = { refused: 0, refusedForRoom: 0, scriptErrors: 0, attempts: 100, attemptSeconds: 50 };
    const from = (slot: number, revision: string, changes: object = {}) =>
      runs(slot, revision, { totals: { ...totals(100, 0), accepted: 100, ...more, ...changes } });
    const ready = then(decideRollout(start), {
      slots: [from(0, "rev-2"), from(1, "rev-1"), from(2, "rev-1")],
    });
    const later = (canary: object, other: object = {}): string => {
      const grown = { accepted: 200, delivered: 200, attempts: 200, attemptSeconds: 100 };
      const slots = [
        from(0, "rev-2", { ...grown, ...canary }),
        from(1, "rev-1", { ...grown, ...other }),
        from(2, "rev-1", { ...grown, ...other }),
      ];
      const { status } = then(ready, { slots, now: 29_000 });
      return `${status.phase}: ${status.message}`;
    };
    assert.match(later({}), /^Canary: .*watched/);
    assert.equal(
      later({ scriptErrors: 50 }),
      "RolledBack: 50 % script errors a message, 0 % of those of other pods",
    );
    assert.match(later({ refused: 100 }), /^RolledBack: 50 % of its messages refused, 0 %/);
    assert.match(later({ refused: 100 }, { refused: 100 }), /^Canary/);
    assert.match(
      later({ refused: 100, refusedForRoom: 95 }),
      /^Canary/,
      "a full disk is no fault of a revision",
    );
    assert.match(later({ refused: 100, refusedForRoom: 30 }), /^RolledBack: 41 % of its messages refused/);
    const silent = { accepted: 100, refused: 0 };
    assert.match(later({ refused: 100 }, silent), /^Canary/, "others tell nothing new: refusals are usual");
    assert.equal(later({ attemptSeconds: 450 }), "RolledBack: an attempt takes 4.0 s, 0.5 s in other pods");
    assert.match(later({ attemptSeconds: 190 }), /^Canary/, "slower by less than a second");
    const slow = later({ attemptSeconds: 1250 }, { attemptSeconds: 550 });
    assert.match(slow, /^Canary/, "12 s where others need 5 s: by less than the factor");
  });

  it("does not hold against a revision what was counted before it ran", () => {
    const from = (revision: string, refused: number) =>
      runs(0, revision, { totals: { ...totals(100, 0), accepted: 100, refused } });
    const slots = [runs(1, "rev-1"), runs(2, "rev-1")];
    const chosen = decideRollout({ ...start, slots: [from("rev-1", 0), ...slots] });
    const { status } = then(chosen, { slots: [from("rev-2", 500), ...slots] });
    assert.match(`${status.phase}: ${status.message}`, /^Canary: .*watched/);
  });

  it("takes a figure that an engine does not tell for unknown, never for zero", () => {
    const slots = [
      runs(0, "rev-2", { totals: { ...totals(200, 0), accepted: 100 } }),
      runs(1, "rev-1", {
        totals: { ...totals(100, 0), accepted: 100, scriptErrors: 0, attempts: 50, attemptSeconds: 1 },
      }),
      runs(2, "rev-1"),
    ];
    assert.match(judged({ slots }), /^Canary: .*watched/);
  });

  it("stays where it is while it is paused, and its time of bake begins anew then", () => {
    const slots = [runs(0, "rev-2", { totals: totals(100, 0) }), runs(1, "rev-1"), runs(2, "rev-1")];
    const held = then(baking(), { slots, now: 40_000, order: "pause" });
    assert.equal(held.status.message, "paused by the annotation mailfleet.io/rollout");
    assert.deepEqual([held.status.phase, held.status.canary], ["Canary", [0]]);
    const resumed = then(held, { slots, now: 50_000 });
    assert.match(resumed.status.message, /watched for 30 s/);
    assert.equal(then(resumed, { slots, now: 79_000 }).status.phase, "Canary");
    assert.equal(then(resumed, { slots, now: 80_000 }).status.phase, "Everywhere");
  });

  it("that is paused before it began reaches no pod", () => {
    const { status } = decideRollout({ ...start, order: "pause" });
    assert.deepEqual([status.phase, status.canary], ["Canary", []]);
  });

  it("is ended either way by people, also after it was judged", () => {
    assert.equal(then(baking(), { order: "promote" }).status.phase, "Everywhere");
    const back = then(baking(), { order: "rollback" });
    assert.equal(back.status.phase, "RolledBack");
    assert.equal(then(back, {}).status.phase, "RolledBack", "also without the word");
    assert.equal(then(back, { order: "promote" }).status.phase, "Everywhere");
    assert.equal(
      decideRollout({ ...start, lastGood: "rev-2", order: "rollback" }).status.phase,
      "Everywhere",
    );
  });

  it("goes everywhere when the time is over and nothing is bad", () => {
    const slots = [runs(0, "rev-2", { totals: totals(200, 5) }), runs(1, "rev-1"), runs(2, "rev-1")];
    assert.match(judged({ slots }), /^Canary: slot 0: watched for 30 s/);
    assert.match(judged({ slots, now: 30_000 }), /^Everywhere: slot 0 did well/);
  });

  it("goes back when too many attempts fail, but only if they do not fail everywhere", () => {
    const bad = runs(0, "rev-2", { totals: totals(120, 20) });
    const usual = runs(1, "rev-1");
    assert.equal(
      judged({ slots: [bad, usual] }),
      "RolledBack: 50 % of its attempts failed, 0 % of those of other pods",
    );
    const alike = runs(1, "rev-1", { totals: totals(20, 20) });
    assert.match(judged({ slots: [bad, alike] }), /^Canary/);
  });

  it("goes back when too many attempts are deferred", () => {
    const bad = runs(0, "rev-2", { totals: totals(110, 0, 40) });
    assert.match(judged({ slots: [bad, runs(1, "rev-1")] }), /^RolledBack: 80 % of its attempts deferred/);
  });

  it("takes a few bad attempts for no ground", () => {
    const slots = [runs(0, "rev-2", { totals: totals(100, 19) }), runs(1, "rev-1")];
    assert.match(judged({ slots }), /^Canary/);
  });

  it("goes back when a canary pod's process ended or closed its spool", () => {
    const anew = runs(0, "rev-1", { startedAt: "2026-01-01T00:00:10Z" });
    assert.match(judged({ slots: [anew] }), /^RolledBack: slot 0 ended and started anew/);
    const looping = aSlot(0, { pod: { engine: null, isReady: false, restarts: 1 } });
    assert.match(judged({ slots: [looping] }), /^RolledBack: slot 0 ended and started anew/);
    const closed = runs(0, "rev-2", { spoolClosed: "fsync failed", totals: totals(100, 0) });
    assert.match(judged({ slots: [closed] }), /^RolledBack: slot 0 closed its spool/);
  });

  it("names the plugin that ended a canary pod, also one that was ended before it was looked at first", () => {
    const blame = { plugin: "Geo", line: "crash in plugin Geo, function look" };
    const crashed = aSlot(0, { pod: { engine: null, isReady: false, restarts: 1, blame } });
    assert.equal(
      judged({ slots: [crashed] }),
      'RolledBack: slot 0 ended and started anew: NativePlugin "geo-v2": crash in plugin Geo, function look',
    );
    const made = aSlot(0, { pod: { uid: "other", revision: "rev-2", restarts: 1, blame } });
    assert.match(
      judged({ slots: [made] }),
      /^RolledBack: slot 0 was ended by a plugin: NativePlugin "geo-v2"/,
    );
    const reason = "CrashLoopBackOff (exit 139)";
    const looping = aSlot(0, { pod: { uid: "other", revision: "rev-2", isReady: false, reason, blame } });
    assert.match(judged({ slots: [looping] }), /cannot start: CrashLoopBackOff \(exit 139\): NativePlugin/);
  });

  it("decides nothing while a canary pod is silent", () => {
    const slots = [aSlot(0, { pod: { engine: null } }), runs(1, "rev-1")];
    assert.match(judged({ slots, now: 90_000 }), /^Canary: waits for slot 0/);
  });

  it("watches anew a pod that was made anew, and after the marks were lost", () => {
    const fresh = aSlot(0, { pod: { uid: "other", engine: anEngine({ revision: "rev-2" }) } });
    const { bake } = then(baking(), { slots: [fresh, runs(1, "rev-1")], now: 40_000 });
    assert.equal(bake?.since, 40_000);
    const lost = then(baking(), { slots: [runs(0, "rev-2"), runs(1, "rev-1")], bake: null, now: 40_000 });
    assert.deepEqual([lost.status.phase, lost.bake?.since], ["Canary", 40_000]);
  });

  it("goes back when a pod that was made for it does not come up", () => {
    const made = aSlot(0, { pod: { uid: "other", engine: null, isReady: false } });
    const first = then(decideRollout(start), { slots: [made, runs(1, "rev-1")] });
    assert.equal(first.status.phase, "Canary");
    const looping = aSlot(0, { pod: { uid: "other", engine: null, isReady: false, restarts: 1 } });
    assert.equal(then(first, { slots: [looping, runs(1, "rev-1")] }).status.phase, "RolledBack");
  });

  it("stays taken back until the spec makes another revision", () => {
    const back = then(baking(), { slots: [runs(0, "rev-1", { startedAt: "2026-01-01T00:00:10Z" })] });
    const later = then(back, { now: 90_000, time: "2026-01-01T09:00:00Z" });
    assert.deepEqual(later.status, back.status);
    assert.equal(then(back, { target: "rev-3" }).status.phase, "Canary");
    assert.equal(then(back, { target: "rev-1" }).status.phase, "Everywhere");
  });

  it("is held where nothing goes back by itself", () => {
    const held = { ...rules, autoRollback: false };
    assert.match(
      judged({ rules: held, slots: [runs(0, "rev-2", { totals: totals(100, 30) })] }),
      /^Held: 100 % of its attempts failed/,
    );
  });

  it("chooses another pod when one that tried it leaves", () => {
    const { status } = then(baking(), { slots: [runs(1, "rev-1"), runs(2, "rev-1")] });
    assert.deepEqual([status.phase, status.canary], ["Canary", [1]]);
  });

  it("needs no time where the spec gives none", () => {
    const none = { ...rules, canary: { ...rules.canary, bakeSeconds: 0 } };
    const slots = [runs(0, "rev-2"), runs(1, "rev-1")];
    assert.equal(then(decideRollout(start), { slots, rules: none }).status.phase, "Everywhere");
  });
});

describe("the configuration of pods while a roll-out goes wrong", () => {
  const rollout = {
    revision: "rev-2",
    since: "2026-01-01T00:00:00Z",
    canary: [0],
    message: "slot 0 ended",
  } as const;

  it("is the last good one, and canary pods may be made anew for it", () => {
    const choice = chooseConfig({ ...plain, rollout: { ...rollout, canary: [0], phase: "RolledBack" } });
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [good, "all", "taken-back"]);
  });

  it("is the last good one for new pods when it is held, and nothing is made anew", () => {
    const choice = chooseConfig({ ...plain, rollout: { ...rollout, canary: [0], phase: "Held" } });
    assert.deepEqual([choice.config, choice.podChanges], [good, "create"]);
  });
});
