/**
 * Remembers pods that a plugin has ended before a pass may delete them, for the pass of the plugin that counts them
 * (plugins/crashes.ts): a revision that is taken back has its pods made anew within seconds.
 */
import { annotations } from "#crds/group.ts";
import { endOf } from "#operator/plugins/crashes.ts";

import type { Observed } from "./observe.ts";
import type { Tools } from "./tools.ts";

/** As many as a status of a plugin holds. */
const MOST_PODS = 20;

export function noteCrashes(tools: Tools, { key, owned }: Observed): void {
  const { crashed } = tools.memory.of(key);
  for (const pod of owned.pods) {
    const end = endOf(pod, key.name, pod.metadata.annotations?.[annotations.revision] ?? "");
    if (end === null) continue;
    crashed.delete(end.uid);
    crashed.set(end.uid, end);
  }
  for (const uid of [...crashed.keys()].slice(0, -MOST_PODS)) crashed.delete(uid);
}
