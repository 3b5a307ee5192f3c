/**
 * Tells engines their share in the limits of the cluster when slots/shares.ts finds it changed: first those that get less,
 * then, as far as these have let go, those that get more. One that does not answer is told in a later pass and goes on
 * with what it remembers. Never rejects.
 */
import { describe } from "#base/error.ts";
import { decideShares, isLost, type ShareOrder } from "#operator/slots/shares.ts";

import { addressOf, type Observed, withFreshReports } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import { noteAnswer, noteReport, noteSent, type NotedShare } from "./share-notes.ts";
import type { Tools } from "./tools.ts";

const AT_ONCE = 8;
/** Less, more, and both again where somebody was told otherwise meanwhile. */
const ROUNDS = 4;
const RETRY_MS = 10_000;
const WAIT_MS = 1000;
/** So long an engine may use what a limit leaves over while others wait for it. */
const TURN_MS = 10_000;

type Notes = Map<string, NotedShare>;

export async function tellShares(tools: Tools, seen: Observed): Promise<Result> {
  const notes = tools.memory.of(seen.key).shares;
  const missed = new Set<string>();
  let waiting = 0;
  const turn = turnOf(tools, seen);
  for (let round = 0; round < ROUNDS; round++) {
    const observed = round === 0 ? seen : withFreshReports(tools, seen);
    refresh(notes, observed);
    const decision = decideShares(observed.slots, notes, turn);
    ({ waiting } = decision);
    const orders = decision.orders.filter(({ pod }) => !missed.has(pod.uid));
    if (orders.length === 0) break;
    for (const uid of await tellAll(tools, observed, orders)) missed.add(uid);
  }
  if (missed.size > 0) return again(RETRY_MS, "an engine has not heard of its share");
  if (waiting > 0) {
    await askHolders(tools, notes);
    return again(WAIT_MS, "shares wait until others have let go of theirs");
  }
  return isStarved(seen) ? again(TURN_MS, "a limit is smaller than the number of engines") : done;
}

/** Moves on while an engine waits for it, and no faster than every TURN_MS. After a restart it goes on where engines are. */
function turnOf(tools: Tools, seen: Observed): number {
  const memory = tools.memory.of(seen.key);
  const now = tools.clock.monotonic();
  const told = seen.slots.map(({ pod }) => pod?.engine?.share?.place?.turn ?? 0);
  memory.turn ??= { count: Math.max(0, ...told), at: now };
  const isDue = isStarved(seen) && now - memory.turn.at >= TURN_MS;
  if (isDue) memory.turn = { count: memory.turn.count + 1, at: now };
  return memory.turn.count;
}

function isStarved({ slots }: Observed): boolean {
  return slots.some(({ pod }) => pod?.engine?.share?.isStarved === true);
}

/** Brings what is known up to date with reports; pods that are surely gone are forgotten. */
function refresh(notes: Notes, { slots }: Observed): void {
  const pods = new Map(slots.flatMap(({ pod }) => (pod === null ? [] : [[pod.uid, pod] as const])));
  const lost = new Set(slots.filter(isLost).map(({ slot }) => slot));
  for (const [uid, note] of notes) {
    const pod = pods.get(uid);
    if (pod !== undefined) keep(notes, uid, noteReport(note, pod));
    else if (!lost.has(note.slot)) notes.delete(uid);
  }
}

function keep(notes: Notes, uid: string, note: NotedShare | null): void {
  if (note === null) notes.delete(uid);
  else notes.set(uid, note);
}

/** The uids of those that did not answer. */
async function tellAll(
  tools: Tools,
  observed: Observed,
  orders: readonly ShareOrder[],
): Promise<readonly string[]> {
  const missed: string[] = [];
  for (let i = 0; i < orders.length; i += AT_ONCE) {
    const batch = orders.slice(i, i + AT_ONCE);
    const answers = await Promise.all(batch.map((order) => tell(tools, observed, order)));
    batch.forEach(({ pod }, n) => {
      if (answers[n] === false) missed.push(pod.uid);
    });
  }
  return missed;
}

async function tell(tools: Tools, observed: Observed, order: ShareOrder): Promise<boolean> {
  const { key, cluster, admin } = observed;
  const { pod } = order;
  const { shares } = tools.memory.of(key);
  const facts = { ...key, pod: pod.name, ...order.order.shares };
  keep(shares, pod.uid, noteSent(shares.get(pod.uid), order));
  try {
    const answer = await tools.engines.share(addressOf(pod.ip, cluster, admin), order.order);
    keep(shares, pod.uid, noteAnswer(shares.get(pod.uid), order, answer));
    tools.log.info({ ...facts, isTaken: answer !== null }, "share-told");
    // Somebody else has told it something: what, it says itself.
    if (answer === null) await tools.reports.askNow(pod.uid);
    return true;
  } catch (error) {
    tools.log.warn({ ...facts, reason: describe(error) }, "share-not-told");
    return false;
  }
}

/** Those that hold more than they were told are asked whether they still do. */
async function askHolders(tools: Tools, notes: Notes): Promise<void> {
  const holders = [...notes].filter(([, { share, held }]) => held > share);
  await Promise.all(holders.map(([uid]) => tools.reports.askNow(uid)));
}
