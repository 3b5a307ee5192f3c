/**
 * Spreads due mail between the engines of a cluster as scaling/spread.ts decides. What is decided from reports that are
 * seconds old is decided again from what the engines say now; each giver is then told once and works it off by itself. One
 * that does not take the order, or has moved nothing since the last one, is left alone for a while. Never rejects.
 */
import { describe } from "#base/error.ts";
import { decideSpread, describeSpread, type SpreadOrder, stayingOf } from "#operator/scaling/spread.ts";

import type { Judgement } from "./judge.ts";
import type { SpreadNote } from "./memory.ts";
import { addressOf, adminUrl, type Observed, withFreshReports } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";

/** A batch of hundreds has arrived by then. */
const LOOK_AGAIN_MS = 2000;
/** As long as its mail does not move, others may do better. */
const FRUITLESS_MS = 60_000;
/** Room for new figures to arrive before anybody concludes that pods are idle. */
const HOLD_SIZE_MS = 10_000;
/** As many as the engine takes. */
const MAX_PEERS = 500;

/** Orders that were taken, in words; null: none. And when to look again. */
export async function spreadBacklog(
  tools: Tools,
  seen: Observed,
  judgement: Judgement,
): Promise<{ readonly spread: string | null; readonly next: Result }> {
  const { spec, deletion, wishes, key } = seen;
  const isOff = !spec.autoscaling.spreadBacklog || spec.drain.to !== "Peers";
  if (isOff || deletion !== null || wishes.isHibernating) return { spread: null, next: done };
  const decide = (observed: Observed): readonly SpreadOrder[] =>
    decideSpread(inputOf(observed, judgement)).filter(({ pod }) => isFruitful(tools, observed, pod));
  if (decideSpread(inputOf(seen, judgement)).length === 0) return { spread: null, next: done };
  const first = decide(seen);
  if (first.length === 0)
    return { spread: null, next: again(FRUITLESS_MS, "a backlog that does not move is tried again") };
  const asked = new Set(first.flatMap(({ pod, to }) => [pod.uid, ...to.map((part) => part.pod.uid)]));
  await Promise.all([...asked].map((uid) => tools.reports.askNow(uid)));
  const observed = withFreshReports(tools, seen);
  const taken: SpreadOrder[] = [];
  for (const order of decide(observed)) if (await give(tools, observed, order)) taken.push(order);
  if (taken.length > 0) tools.memory.of(key).sizeHeldUntil = tools.clock.monotonic() + HOLD_SIZE_MS;
  const spread = taken.length === 0 ? null : describeSpread(taken);
  return { spread, next: again(LOOK_AGAIN_MS, "a backlog is being spread") };
}

function inputOf(
  { slots, wishes }: Observed,
  { decision, status, hashOf }: Judgement,
): Parameters<typeof decideSpread>[0] {
  const { rollout } = status;
  const isProven = rollout === null || rollout.phase === "Everywhere";
  return {
    slots,
    staying: stayingOf(decision),
    fence: wishes.fence,
    hashOf,
    doubted: new Set(isProven ? [] : rollout.canary),
  };
}

/** Its last order has moved something, or is long ago. */
function isFruitful(tools: Tools, { key }: Observed, { uid, engine }: SpreadOrder["pod"]): boolean {
  const note = tools.memory.of(key).spread.get(uid);
  if (note === undefined) return true;
  const hasMoved = note.isTaken && (engine?.handover?.spread ?? 0) !== note.spreadBefore;
  return hasMoved || tools.clock.monotonic() - note.at > FRUITLESS_MS;
}

/** Noted before it is given, as other orders are: a pod that leaves waits for whoever may be sending to it. */
async function give(tools: Tools, observed: Observed, order: SpreadOrder): Promise<boolean> {
  const { key, cluster, admin } = observed;
  const { pod, to } = order;
  const { orders, spread } = tools.memory.of(key);
  const facts = { ...key, spread: describeSpread([order]) };
  const address = addressOf(pod.ip, cluster, admin);
  const at = tools.clock.monotonic();
  orders.set(pod.uid, { key: "", peers: new Set(to.map(({ slot }) => slot)), at });
  const note: SpreadNote = { at, spreadBefore: pod.engine?.handover?.spread ?? 0, isTaken: false };
  spread.set(pod.uid, note);
  const peers = to.slice(0, MAX_PEERS).map(({ pod: { name, ip }, recipients }) => {
    return { name, url: adminUrl(ip), servername: address.serverName, recipients };
  });
  try {
    const status = await tools.engines.spread(address, { peers });
    if (status === null) return false;
    tools.reports.note(pod.uid, status);
    spread.set(pod.uid, { ...note, isTaken: true });
    tools.log.info(facts, "backlog-spread");
    return true;
  } catch (error) {
    tools.log.warn({ ...facts, reason: describe(error) }, "backlog-not-spread");
    return false;
  }
}
