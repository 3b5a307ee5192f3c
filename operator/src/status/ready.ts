/** Ready (pure): the summary. All wanted pods take mail, and the spec could be carried out. */
import type { VerdictOn } from "./conditions.ts";
import { configApplied } from "./config-applied.ts";
import { type Judged, listed, stayingSlots } from "./judged.ts";
import { named } from "./reconciling.ts";

export function ready(judged: Judged): VerdictOn<"Ready"> {
  const { size, deletion, config } = judged;
  if (deletion !== null)
    return { status: "False", reason: "Deleting", message: `deletion policy ${deletion}` };
  if (config.kind !== "rendered")
    return { status: "False", reason: "ConfigBroken", message: configApplied(judged).message };
  if (size === 0) return { status: "True", reason: "NoPodsWanted", message: "0 pods are wanted" };
  const staying = stayingSlots(judged);
  const isWell = ({ pod }: Judged["slots"][number]): boolean =>
    pod?.isReady === true && !pod.isTerminating && pod.engine?.state !== "Fenced";
  const well = staying.filter(isWell).length;
  if (well === size)
    return { status: "True", reason: "AllPodsReady", message: `${size} of ${size} pods are ready` };
  const unwell = staying.filter((slot) => !isWell(slot)).map(named);
  const message = `${well} of ${size} pods are ready${unwell.length === 0 ? "" : `; not ready: ${listed(unwell)}`}`;
  return { status: "False", reason: "PodsNotReady", message };
}
