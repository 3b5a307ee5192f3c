/**
 * Tells engines their share in the limits of the cluster when slots/shares.ts finds it changed. One that does not
 * answer is told in a later pass and goes on with what it remembers; one that knows no shares is not asked again.
 * Never rejects.
 */
import { describe } from "#base/error.ts";
import { decideShares, type ShareOrder } from "#operator/slots/shares.ts";

import { addressOf, type Observed } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";

const AT_ONCE = 8;
const RETRY_MS = 10_000;

export async function tellShares(tools: Tools, observed: Observed): Promise<Result> {
  const told = toldOf(tools, observed);
  const orders = [...decideShares(observed.slots, told)];
  let missed = 0;
  while (orders.length > 0) {
    const batch = orders.splice(0, AT_ONCE);
    const answers = await Promise.all(batch.map((order) => tell(tools, observed, order)));
    batch.forEach(({ pod, key }, i) => {
      if (answers[i] === true) told.set(pod.uid, key);
      else missed += 1;
    });
  }
  return missed === 0 ? done : again(RETRY_MS, "an engine has not heard of its share");
}

/** Of the pods that are there; others are forgotten. */
function toldOf(tools: Tools, { key, slots }: Observed): Map<string, string> {
  const { shares } = tools.memory.of(key);
  const uids = new Set(slots.map(({ pod }) => pod?.uid));
  for (const uid of shares.keys()) if (!uids.has(uid)) shares.delete(uid);
  return shares;
}

async function tell(tools: Tools, observed: Observed, { pod, shares }: ShareOrder): Promise<boolean> {
  const { key, cluster, admin } = observed;
  const facts = { ...key, pod: pod.name, ...shares.shares };
  try {
    const isKnown = await tools.engines.share(addressOf(pod.ip, cluster, admin), shares);
    tools.log.info({ ...facts, isKnown }, "share-told");
    return true;
  } catch (error) {
    tools.log.warn({ ...facts, reason: describe(error) }, "share-not-told");
    return false;
  }
}
