/**
 * Lets an engine try a candidate out, when spamhaus/decide.ts has one and its last trial was a while ago, and remembers what it
 * said for the next pass. A new key takes its time to reach the pods' volumes; a changed annotation makes the node
 * look at once. Never rejects: an engine that does not answer is asked in a later pass.
 */
import { describe } from "#base/error.ts";
import { annotations } from "#crds/group.ts";
import { resources } from "#operator/kube/objects.ts";
import type { ProbeFault, SpamhausChoice } from "#operator/spamhaus/decide.ts";
import { type SpamhausSection, keyFileOf, probedPart } from "#operator/spamhaus/section.ts";

import { addressOf, type Observed } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";
import type { Writer } from "./writer.ts";

/** The file is on its way to the pod's volume. */
const UNREAD_MS = 2000;
const AGAIN_MS = 30_000;
/** Until an engine answers, or a key that is wanted no more is taken away. */
const SPARE_MS = 10_000;

export async function trySpamhaus(tools: Tools, writer: Writer, observed: Observed): Promise<Result> {
  const { spamhaus } = observed;
  await hurry(writer, observed);
  if (spamhaus.candidate === null)
    return hasSpare(spamhaus) ? again(SPARE_MS, "a key is still in use") : done;
  const memory = tools.memory.of(observed.key);
  const part = probedPart(spamhaus.candidate);
  const pauseMs = spamhaus.faults.every(isUnread) ? UNREAD_MS : AGAIN_MS;
  const waited = memory.probe?.part === part ? tools.clock.monotonic() - memory.probe.at : pauseMs;
  if (waited < pauseMs) return again(pauseMs - waited, "a key or list of Spamhaus' is tried out");
  const faults = await ask(tools, observed, spamhaus.candidate);
  if (faults === null) return again(SPARE_MS, "no engine can try a key of Spamhaus' out");
  memory.probe = { part, faults, at: tools.clock.monotonic() };
  const said = faults.map(({ list, outcome }) => `${list} ${outcome}`);
  tools.log.info(
    { ...observed.key, keyFile: keyFileOf(spamhaus.candidate), faults: said },
    "spamhaus-tried-out",
  );
  return again(faults.length === 0 ? 1 : faults.every(isUnread) ? UNREAD_MS : AGAIN_MS, "it was tried out");
}

function hasSpare({ keys, section }: SpamhausChoice): boolean {
  return keys.size > (section === null ? 0 : 1);
}

function isUnread({ outcome }: ProbeFault): boolean {
  return outcome === "no-key";
}

/** Null: nobody answers. An engine that cannot try it out is of an early version: it is taken at its word. */
async function ask(
  tools: Tools,
  { slots, cluster, admin, key }: Observed,
  candidate: SpamhausSection,
): Promise<readonly ProbeFault[] | null> {
  for (const { pod } of slots) {
    if (pod === null || pod.ip === null || pod.engine === null || pod.isTerminating) continue;
    try {
      const result = await tools.engines.probe(addressOf(pod.ip, cluster, admin), { spamhaus: candidate });
      return result?.results.filter(({ outcome }) => outcome !== "listed") ?? [];
    } catch (error) {
      tools.log.warn({ ...key, pod: pod.name, reason: describe(error) }, "spamhaus-not-tried-out");
    }
  }
  return null;
}

/** Pods that do not read the key that is wanted next get a note of it, once. */
async function hurry(writer: Writer, { spamhaus, owned, slots }: Observed): Promise<void> {
  const section = spamhaus.candidate ?? spamhaus.section;
  if (section === null) return;
  const file = keyFileOf(section);
  for (const pod of owned.pods) {
    const engine = slots.find((slot) => slot.pod?.uid === pod.metadata.uid)?.pod?.engine ?? null;
    if (engine === null || engine.spamhaus?.key === file) continue;
    if (pod.metadata.annotations?.[annotations.spamhausKey] === file) continue;
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    await writer.patchAnnotations(resources.pods, pod, { [annotations.spamhausKey]: file });
  }
}
