/**
 * Which plugin has ended an engine (pure), from what the container left behind: the note of a crash (native/src/blame.cc
 * of the engine) or the sentence of a start that a plugin stopped. Both name the plugin by its id in the engine.
 */
import type { Pod } from "#operator/kube/objects.ts";

/** An engine that ended so often and named the plugin is no accident any more. */
const CRASHES_TOO_MANY = 3;
const CONTAINER = "mta";

export interface CrashLoop {
  readonly pod: string;
  readonly restarts: number;
  /** The line that names the plugin. */
  readonly line: string;
}

export function crashLoopOf(pods: readonly Pod[], id: string): CrashLoop | null {
  for (const { metadata, status } of pods) {
    const container = status?.containerStatuses?.find(({ name }) => name === CONTAINER);
    const restarts = container?.restartCount ?? 0;
    if (restarts < CRASHES_TOO_MANY) continue;
    const endings = [container?.state?.terminated, container?.lastState?.terminated];
    const line = endings
      .map((ending) => lineNaming(ending?.message ?? "", id))
      .find((found) => found !== null);
    if (line !== undefined && line !== null) return { pod: metadata.name, restarts, line };
  }
  return null;
}

function lineNaming(message: string, id: string): string | null {
  const isIts = (line: string): boolean =>
    line === `crash in plugin ${id}` ||
    line.startsWith(`crash in plugin ${id}, `) ||
    line.startsWith(`smtpd: plugin ${id} (`);
  return message.split("\n").findLast(isIts) ?? null;
}

/** Whether a change of a pod may tell of a plugin: its engine has ended once more. */
export function hasEndedAgain(now: Pod, before: Pod | null): boolean {
  const restarts = (pod: Pod | null): number =>
    pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.restartCount ?? 0;
  return restarts(now) > restarts(before);
}
