/**
 * One pass for one MailCluster. Read it from top to bottom: that is what the operator does. The key is all that it is
 * handed; it looks at the world anew each time, may die after any line, and the next pass goes on from what is there.
 *
 * Nothing is decided while the caches have not seen our own writes. A settled cluster ends with no write at all.
 */
import type { Condition } from "#crds/conditions.ts";
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { resources } from "#operator/kube/objects.ts";
import type { PlannedObject } from "#operator/desired/planned.ts";
import { fencedEngines } from "#operator/engine/fenced-engines.ts";
import { describeSteps, type Step } from "#operator/slots/steps.ts";
import { makeStatus } from "#operator/status/mail-cluster-status.ts";
import { reasonOf } from "#operator/status/plan.ts";

import {
  announceConditions,
  announceScale,
  announceSpread,
  announceStep,
  announceVetoes,
  tell,
} from "./announce.ts";
import { brokenSpecStatus } from "./broken-spec.ts";
import { dropSpentWords } from "./drop-spent-words.ts";
import { ensureFinalizer, letGo } from "./finalize.ts";
import { type Judgement, judge } from "./judge.ts";
import { noteCrashes } from "./note-crashes.ts";
import { type BrokenSpec, type Observed, observe, withFreshReports } from "./observe.ts";
import { ofResource, ownedBy } from "./owned.ts";
import { perform } from "./perform.ts";
import { prune, unwanted } from "./prune.ts";
import { pushConfig } from "./push-config.ts";
import { renewCertificates } from "./renew-certificates.ts";
import { attempt } from "./attempt.ts";
import { again, done, type Reconciler, type Result, soonest } from "./result.ts";
import { type Scaled, scale } from "./scale.ts";
import { isStillWished } from "./still-wished.ts";
import { spreadBacklog } from "./spread-backlog.ts";
import { tellShares } from "./tell-shares.ts";
import { tellSources } from "./tell-sources.ts";
import { takeTurn } from "./take-turn.ts";
import type { Tools } from "./tools.ts";
import { trySpamhaus } from "./try-spamhaus.ts";
import { writeStatus } from "./write-status.ts";
import { Writer } from "./writer.ts";

/** Watches and engines' news wake the cluster; these are for what neither of them tells. */
const LOOK_AGAIN = {
  unseenMs: 1000,
  underWayMs: 10_000,
  refusedMs: 20_000,
  /**
   * As often as the HorizontalPodAutoscaler looks. A burst does not wait for it: engines that say something new wake the
   * cluster. It lets windows and steps run out while nothing changes, for which seconds do not matter.
   */
  scalingMs: 15_000,
  /** Certificates fall due. */
  settledMs: 3_600_000,
};

export function mailClusterReconciler(all: Tools): Reconciler {
  return async (key, signal) => {
    const tools = { ...all, engines: fencedEngines(all.engines, signal) };
    const object = tools.caches.mailClusters.get(key.namespace, key.name);
    if (object === null) return forget(tools, key);
    const unseen = tools.expectations.unseen(keyText(key));
    if (unseen.length > 0) return again(LOOK_AGAIN.unseenMs, `the cache has not seen ${unseen.join(", ")}`);
    const writer = new Writer(tools, key, signal);
    const observed = await observe(tools, object);
    return "message" in observed ? giveUp(tools, writer, observed) : pass(tools, writer, observed);
  };
}

async function pass(tools: Tools, writer: Writer, found: Observed): Promise<Result> {
  if (found.deletion === null && !(await ensureFinalizer(writer, found)))
    return again(LOOK_AGAIN.unseenMs, "the finalizer comes first");
  noteCrashes(tools, found);
  const scaled = scale(tools, found);
  const seen = takeTurn(tools, found, scaled);
  if (seen.wishes.isPaused && seen.deletion === null)
    return rest(tools, writer, seen, judge(seen, tools.facts, scaled));
  const { observed, judgement } = await configure(tools, seen, scaled);
  const isSound = await applyObjects(tools, writer, observed, judgement);
  const steps = isSound ? await takeSteps(tools, writer, observed, judgement) : done;
  const { spread, next } = await spreadBacklog(tools, observed, judgement);
  await dropSpentWords(writer, observed, judgement);
  if (judgement.decision.isGone && (await letGo(writer, observed))) return done;
  const { conditions, revision } = await tellStatus(tools, writer, observed, judgement, spread);
  tell(tools, observed.object, announceSpread(spread));
  // After the status: only what it names as the last good one may be the only way back.
  await prune(writer, doomedOf(observed, judgement, revision.lastGood ?? null));
  if (scaled.size !== scaled.before) tell(tools, observed.object, [announceScale(scaled)]);
  const trial = await trySpamhaus(tools, writer, observed);
  const renewal = await renewCertificates(tools, observed, judgement);
  const wake = wakeNext(tools, judgement);
  return soonest([
    lookAgain(tools, observed, conditions),
    steps,
    wake,
    settle(tools, judgement),
    trial,
    renewal,
    next,
    await tellShares(tools, observed),
    await tellSources(tools, observed),
  ]);
}

/** Paused: what is there stays as it is, and the status tells how that is. */
async function rest(tools: Tools, writer: Writer, observed: Observed, judgement: Judgement): Promise<Result> {
  await tellStatus(tools, writer, observed, judgement);
  tools.reports.setPace(observed.key, "settled");
  return again(LOOK_AGAIN.settledMs, "paused");
}

/** Engines that can take the configuration get it; what they answer is part of what is judged. */
async function configure(
  tools: Tools,
  seen: Observed,
  scaled: Scaled,
): Promise<{ observed: Observed; judgement: Judgement }> {
  let observed = seen;
  let judgement = remembered(tools, observed, judge(observed, tools.facts, scaled));
  // The first engine, then, when it runs the revision, the others.
  for (let round = 0; round < 2 && (await pushConfig(tools, observed, judgement)) > 0; round++) {
    observed = withFreshReports(tools, observed);
    judgement = remembered(tools, observed, judge(observed, tools.facts, scaled));
  }
  return { observed, judgement };
}

function remembered(tools: Tools, { key }: Observed, judgement: Judgement): Judgement {
  const memory = tools.memory.of(key);
  memory.bake = judgement.bake;
  memory.edits = judgement.edits;
  return judgement;
}

/** False: something that pods need cannot be had, so no pod is touched. */
async function applyObjects(
  tools: Tools,
  writer: Writer,
  observed: Observed,
  { objects, decision }: Judgement,
): Promise<boolean> {
  const steps = decision.steps.map(idOfStep);
  const idOf = ({ resource, object }: PlannedObject): string => `${resource.kind} ${object.metadata.name}`;
  tools.memory.of(observed.key).refusals.keep(new Set([...objects.map(idOf), ...steps]));
  let isSound = true;
  for (const planned of objects) {
    const { resource, object } = planned;
    const known = ofResource(observed.owned, resource);
    const cached = known.find(({ metadata }) => metadata.name === object.metadata.name) ?? null;
    const isDone = await attempt(tools, observed, { id: idOf(planned), kind: "apply", slot: null }, () =>
      writer.apply(resource, object, cached),
    );
    if (!isDone && NEEDED_BY_PODS.has(resource.kind)) isSound = false;
  }
  return isSound;
}

const NEEDED_BY_PODS: ReadonlySet<string> = new Set(["ServiceAccount", "Secret", "ConfigMap"]);

/** What a step asks for; a resize to another size is another one. */
function idOfStep(step: Step): string {
  return `${step.kind} ${step.slot}`;
}

async function takeSteps(
  tools: Tools,
  writer: Writer,
  observed: Observed,
  { contextOf, decision, status }: Judgement,
): Promise<Result> {
  const steps = decision.steps.slice(0, MOST_STEPS);
  if (steps.length > 0) tools.log.info({ ...observed.key, steps: describeSteps(steps) }, "steps");
  for (const step of steps) {
    const { kind, slot } = step;
    writer.refuseWhenOver();
    if (!(await isStillWished(step, writer, observed)))
      return again(LOOK_AGAIN.unseenMs, "somebody has changed the MailCluster since it was judged");
    await attempt(tools, observed, { id: idOfStep(step), kind, slot }, async () => {
      const what = await perform(step, { tools, writer, observed, contextOf });
      if (what === null) return;
      const isRestart = step.kind === "delete-pod" && step.why === "Outdated";
      const reason = isRestart ? reasonOf(status, step) : null;
      tell(tools, observed.object, [announceStep(step, what, reason)]);
    });
  }
  const isAll = steps.length === decision.steps.length;
  return isAll ? done : again(LOOK_AGAIN.unseenMs, "more steps are to be taken");
}

/** In one pass: hundreds would pass its deadline, and the status would say nothing until the last. */
const MOST_STEPS = 40;

function doomedOf(observed: Observed, { context, objects, push }: Judgement, lastGood: string | null) {
  // While the spec makes nothing usable, or while mail leaves, what is there stays.
  if (context === null || observed.deletion !== null) return [];
  return unwanted(observed, objects, [context.config.revision, lastGood, push?.config.revision ?? null]);
}

async function tellStatus(
  tools: Tools,
  writer: Writer,
  observed: Observed,
  judgement: Judgement,
  spread: string | null = null,
): Promise<MailClusterStatus> {
  const { object, generation, previous, key } = observed;
  const status = makeStatus({
    ...judgement.status,
    refused: tools.memory.of(key).refusals.all,
    clusterName: key.name,
    generation,
    spread,
    now: new Date(tools.clock.now()),
    previous,
  });
  if (await writeStatus(writer, resources.mailClusters, object, status)) {
    tell(tools, object, announceConditions(previous.conditions ?? [], status.conditions));
    tell(tools, object, announceVetoes(previous.plan ?? [], status.plan ?? []));
  }
  return status;
}

function lookAgain(tools: Tools, observed: Observed, conditions: readonly Condition[]): Result {
  // One that waits for others is woken when it has its turn.
  const isUnderWay =
    observed.waitsFor === null &&
    conditions.some(({ type, status }) => type === "Reconciling" && status === "True");
  const { mode } = observed.spec.autoscaling;
  const isScaling = mode === "Internal";
  // Whoever scales from outside may ask this operator, too, for figures that are no older.
  tools.reports.setPace(observed.key, isUnderWay ? "lively" : mode === "None" ? "settled" : "scaling");
  if (tools.memory.of(observed.key).refusals.all.length > 0)
    return again(LOOK_AGAIN.refusedMs, "the API server refused something");
  if (isUnderWay) return again(LOOK_AGAIN.underWayMs, "work is under way");
  if (isScaling) return again(LOOK_AGAIN.scalingMs, "the autoscaler looks at the figures");
  return again(LOOK_AGAIN.settledMs, "settled");
}

function settle({ clock }: Tools, { settlesAt }: Judgement): Result {
  return settlesAt === null ? done : again(Math.max(1, settlesAt - clock.monotonic()), "edits are gathered");
}

/** The first message in a spool that sleeps is due then. */
function wakeNext(tools: Tools, { decision }: Judgement): Result {
  const times = decision.waiting.flatMap(({ wakeAt }) => (wakeAt === null ? [] : [wakeAt]));
  if (times.length === 0) return done;
  const inMs = Math.min(...times) - tools.clock.now();
  return again(
    Math.min(Math.max(inMs, 1000), LOOK_AGAIN.settledMs),
    "mail in a spool that sleeps will be due",
  );
}

/**
 * A spec that cannot be read: said in the status, and nothing is touched. A new spec wakes the key. Nor is its deletion policy
 * known, so it may go when neither pods nor claims are left.
 */
async function giveUp(tools: Tools, writer: Writer, { key, object, message }: BrokenSpec): Promise<Result> {
  const leaving = { key, object, deletion: "Drain", owned: ownedBy(tools.caches, key) } as const;
  if (object.metadata.deletionTimestamp !== undefined && (await letGo(writer, leaving))) return done;
  const status = brokenSpecStatus(object, message, new Date(tools.clock.now()));
  if (await writeStatus(writer, resources.mailClusters, object, status)) {
    tell(tools, object, [{ type: "Warning", reason: "SpecBroken", action: "Stalled", note: message }]);
  }
  return done;
}

function forget(tools: Tools, key: Key): Result {
  tools.reports.forget(key);
  tools.secretWatches.forget(key);
  tools.certificateWatches.forget(key);
  tools.configWatches.forget(key);
  tools.expectations.forget(keyText(key));
  tools.memory.forget(key);
  tools.turns.leave(key);
  return done;
}
