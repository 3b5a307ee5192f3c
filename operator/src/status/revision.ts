/** Which revision of the configuration the engines run (pure). */
import { type Judged, stayingSlots } from "./judged.ts";

/** The one that every staying pod reports; null while there is none, one does not answer, or they differ. */
export function runningRevision(judged: Judged): string | null {
  const revisions = new Set(stayingSlots(judged).map(({ pod }) => pod?.engine?.revision ?? null));
  const [only = null] = revisions;
  return revisions.size === 1 ? only : null;
}
