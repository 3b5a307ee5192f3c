/**
 * Carries out the steps that slots/ decided, in their order. Each is safe to repeat and to die in the middle of; what
 * takes something away looks at the live object first. A write that fails rejects, which ends the pass unless the server has
 * refused it for good (attempt.ts); an engine that does not take an order is told in a later pass.
 */
import { describe } from "#base/error.ts";
import type { EngineStatus } from "#contract/admin-api.ts";
import { annotations } from "#crds/group.ts";
import { claim as claimOf } from "#operator/desired/claim.ts";
import type { Context } from "#operator/desired/context.ts";
import { pod as podOf } from "#operator/desired/pod.ts";
import type { KubeObject, Resource } from "#operator/kube/kube.ts";
import { type PersistentVolumeClaim, type Pod, resources } from "#operator/kube/objects.ts";
import { isEmpty } from "#operator/slots/leave.ts";
import { observeClaim, type ObservedClaim, type ObservedPod } from "#operator/slots/observed.ts";
import { maySend, type Order, orderKey } from "#operator/slots/orders.ts";
import { wakeTimeOf } from "#operator/slots/sleep.ts";
import type { Step } from "#operator/slots/steps.ts";

import { addressOf, adminUrl, type Observed } from "./observe.ts";
import { isOurs } from "./ownership.ts";
import type { Tools } from "./tools.ts";
import type { Writer } from "./writer.ts";

export interface Performing {
  readonly tools: Tools;
  readonly writer: Writer;
  readonly observed: Observed;
  readonly contextOf: (slot: number) => Context | null;
}

/** As many as the engine takes. */
const MAX_PEERS = 500;

/** What came of a step: null when it turned out not to hold any more, or is nothing that people need to hear of. */
export async function perform(step: Step, performing: Performing): Promise<string | null> {
  switch (step.kind) {
    case "create-claim":
    case "resize-claim":
      return applyClaim(step.slot, performing);
    case "create-pod":
      return createPod(step.slot, performing);
    case "sleep":
      return sleep(step, performing);
    case "assign-identity":
      return assignIdentity(step, performing);
    case "note-node":
      return noteNode(step, performing);
    case "cordon":
      return order(step.pod, { mode: "Cordon", peers: [] }, performing);
    case "uncordon":
      return order(step.pod, { mode: "Serve", peers: step.peers }, performing);
    case "order":
      return order(step.pod, step, performing);
    case "delete-pod":
      return deletePod(step.pod, performing);
    case "delete-claim":
      return deleteClaim(step.claim, performing);
    case "release":
      return release(step, performing);
    default:
      return step satisfies never;
  }
}

async function applyClaim(slot: number, { writer, observed, contextOf }: Performing): Promise<string | null> {
  const context = contextOf(slot);
  if (context === null) return null;
  const wanted = claimOf(context, slot);
  const cached = observed.owned.claims.find((each) => each.metadata.name === wanted.metadata.name) ?? null;
  await writer.apply(resources.claims, wanted, cached);
  return `claim ${wanted.metadata.name}`;
}

/** Created, not applied: hardly anything of a pod may change, and one of the same name must never be taken over. */
async function createPod(slot: number, { writer, observed, contextOf }: Performing): Promise<string | null> {
  const context = contextOf(slot);
  if (context === null) return null;
  const wanted = podOf(context, slot);
  // It would be taken for asleep when this pod is gone, whatever has come into its spool since.
  const claim = observed.owned.claims.find((each) => each.metadata.name === wanted.metadata.name);
  if (claim?.metadata.annotations?.[annotations.wakeAt] !== undefined)
    await writer.annotate(resources.claims, claim, { [annotations.wakeAt]: null });
  // What the cache does not show was made in this pass, or is somebody else's, whose volume no engine may write to.
  if (claim === undefined && (await isClaimOfOthers(wanted.metadata.name, { writer, observed }))) return null;
  await writer.create(resources.pods, wanted);
  return `pod ${wanted.metadata.name}`;
}

async function isClaimOfOthers(
  name: string,
  { writer, observed }: Pick<Performing, "writer" | "observed">,
): Promise<boolean> {
  const { namespace } = observed.key;
  const live = await writer.kube.get({ resource: resources.claims, namespace, name });
  return live !== null && !isOurs(live, observed.key.name);
}

/**
 * Noted before it is given: an order whose answer is lost may be in force. An engine that does not take it is given it
 * again in a later pass; the other slots do not wait for it.
 */
async function order(
  pod: ObservedPod,
  { mode, peers }: Order,
  { tools, observed }: Performing,
): Promise<string | null> {
  if (pod.ip === null) return null;
  const address = addressOf(pod.ip, observed.cluster, observed.admin);
  const { orders } = tools.memory.of(observed.key);
  const note = (key: string): void => {
    const slots = new Set(peers.map(({ slot }) => slot));
    orders.set(pod.uid, { key, peers: slots, at: tools.clock.monotonic() });
  };
  note("");
  const { serverName: servername } = address;
  const named = peers.slice(0, MAX_PEERS).map(({ name, ip }) => ({ name, url: adminUrl(ip), servername }));
  try {
    tools.reports.note(pod.uid, await tools.engines.drain(address, { mode, peers: named }));
  } catch (error) {
    const facts = { ...observed.key, pod: pod.name, mode, reason: describe(error) };
    tools.log.warn(facts, "order-not-taken");
    return null;
  }
  note(orderKey(pod, { mode, peers }));
  return `pod ${pod.name}`;
}

async function noteNode(
  { claim, node }: Step & { kind: "note-node" },
  performing: Performing,
): Promise<null> {
  const noted = { [annotations.lastNode]: node };
  await performing.writer.annotate(resources.claims, refOf(resources.claims, claim, performing), noted);
  return null;
}

async function assignIdentity(
  { slot, claim, identity }: Step & { kind: "assign-identity" },
  performing: Performing,
): Promise<string> {
  const held = { [annotations.identity]: identity };
  await performing.writer.annotate(resources.claims, refOf(resources.claims, claim, performing), held);
  return `identity ${identity} to slot ${slot}`;
}

async function deletePod(pod: ObservedPod, performing: Performing): Promise<string | null> {
  const isGone = !(await performing.writer.delete<Pod>(resources.pods, podRef(pod, performing)));
  return isGone ? null : `pod ${pod.name}`;
}

async function deleteClaim(claim: ObservedClaim, performing: Performing): Promise<string | null> {
  const judged = refOf(resources.claims, claim, performing);
  // Somebody may have taken the annotation back, or the volume may have been bound in the meantime.
  const stillHolds = (live: PersistentVolumeClaim): boolean => {
    const now = observeClaim(live);
    return now.isDiscarded === claim.isDiscarded && now.phase === claim.phase;
  };
  const isGone = !(await performing.writer.delete(resources.claims, judged, stillHolds));
  return isGone ? null : `claim ${claim.name}`;
}

/** The claim first: Kubernetes keeps it while the pod uses it, and its mark is the record that it was seen empty. */
async function release(step: Step & { kind: "release" }, performing: Performing): Promise<string | null> {
  const { pod, claim, proof } = step;
  if (!(await isProven(step, performing))) return null;
  if (claim !== null && !claim.isTerminating) {
    const judged = refOf(resources.claims, claim, performing);
    const stillHolds = (live: PersistentVolumeClaim): boolean =>
      proof !== "UnboundClaim" || observeClaim(live).phase === "Pending";
    if (!(await performing.writer.delete(resources.claims, judged, stillHolds))) return null;
  }
  await deletePod(pod, performing);
  return `slot ${step.slot}`;
}

/** When it wakes is written down first: a claim without it is one whose mail must be looked after. */
async function sleep(step: Step & { kind: "sleep" }, performing: Performing): Promise<string | null> {
  const { tools, writer } = performing;
  const engine = await askProven(step, performing);
  const wakeAt = engine === null ? null : wakeTimeOf(engine, tools.clock.now());
  if (wakeAt === null) return null;
  const noted = { [annotations.wakeAt]: new Date(wakeAt).toISOString() };
  await writer.annotate(resources.claims, refOf(resources.claims, step.claim, performing), noted);
  await deletePod(step.pod, performing);
  return `slot ${step.slot} until ${noted[annotations.wakeAt]}`;
}

async function isProven(step: Step & { kind: "release" }, performing: Performing): Promise<boolean> {
  if (step.proof === "UnboundClaim") return true; // Judged on the live claim when it is deleted.
  const engine = await askProven(step, performing);
  return engine !== null && isEmpty(engine);
}

/** What the engine of a slot says now, if it takes no mail and nobody may send it any; else null. */
async function askProven(
  step: Step & { kind: "release" | "sleep" },
  { tools, writer, observed }: Performing,
): Promise<EngineStatus | null> {
  const { namespace } = observed.key;
  const live = await writer.kube.get<Pod>({ resource: resources.pods, namespace, name: step.pod.name });
  // Another pod, or another address: whoever answers there is not the one that was judged.
  if (live?.metadata.uid !== step.pod.uid || live.status?.podIP !== step.pod.ip) return null;
  // The others first: once nobody may send it mail any more, what it says of itself stays true.
  const others = await Promise.all(step.witnesses.map(({ uid }) => tools.reports.askNow(uid)));
  if (others.some((engine) => engine === null || maySend(engine))) return null;
  const engine = await tools.reports.askNow(step.pod.uid);
  return engine?.state === "Cordoned" || engine?.state === "Draining" ? engine : null;
}

function podRef(pod: ObservedPod, performing: Performing): KubeObject {
  return refOf(resources.pods, pod, performing);
}

function refOf(
  resource: Resource,
  { name, uid }: { readonly name: string; readonly uid: string },
  { observed }: Performing,
): KubeObject {
  const { apiVersion, kind } = resource;
  return { apiVersion, kind, metadata: { name, namespace: observed.key.namespace, uid } };
}
