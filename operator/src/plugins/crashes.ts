/**
 * Which plugin has ended engines, and how often (pure), from what containers left behind: the note of a crash
 * (native/src/blame.cc of the engine) or the sentence of a start that a plugin stopped. Both name the plugin by its id in
 * the engine.
 *
 * A pod that a plugin has ended is often made anew at once, for instance because a revision is taken back. So ends are noted
 * in the plugin's status and counted for each revision of a cluster, whichever of its pods they were in.
 */
import type { NativePluginStatus } from "#crds/native-plugin.ts";
import type { ContainerStatus, Pod } from "#operator/kube/objects.ts";
import { wholeSeconds } from "#operator/kube/times.ts";

/** A revision whose engines ended so often and named the plugin has had no accident. */
export const CRASHES_TOO_MANY = 3;
/** An end that long ago has nothing to do with those of today. */
const REMEMBERED_MS = 86_400_000;
const MOST_PODS = 20;
const CONTAINER = "mta";

/** Who ended the engine of a pod last. */
export interface Blame {
  /** Id in the engine. */
  readonly plugin: string;
  /** The line that names it. */
  readonly line: string;
}

/** What one pod's engine has gone through because of the plugin. */
export type PodCrashes = NonNullable<NativePluginStatus["crashes"]>[number];

/** A pod of a cluster that uses the plugin, and who ended its engine last. */
export interface PodEnd {
  readonly cluster: string;
  readonly revision: string;
  readonly pod: string;
  readonly uid: string;
  /** How often its engine has ended. */
  readonly ends: number;
  readonly blame: Blame;
}

export interface CrashLoop {
  readonly cluster: string;
  readonly revision: string;
  readonly ends: number;
  /** The pod that was ended last, and the line that names the plugin. */
  readonly pod: string;
  readonly line: string;
}

/** Null: no plugin that is known of. */
export function blameOf({ status }: Pod): Blame | null {
  const container = status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  const endings = [container?.state?.terminated, container?.lastState?.terminated];
  const blames = endings.map((ending) => blameIn(ending?.message ?? ""));
  return blames.find((blame) => blame !== null) ?? null;
}

const NAMING = /^(?:crash in plugin ([\w.-]+)(?:, .*)?|smtpd: plugin ([\w.-]+) \(.*)$/;

function blameIn(message: string): Blame | null {
  for (const line of message.split("\n").toReversed()) {
    const [, crashed, stopped] = NAMING.exec(line) ?? [];
    const plugin = crashed ?? stopped;
    if (plugin !== undefined) return { plugin, line: line.slice(0, 512) };
  }
  return null;
}

/** Null: no plugin has ended its engine. `cluster` and `revision` are the pod's. */
export function endOf(pod: Pod, cluster: string, revision: string): PodEnd | null {
  const blame = blameOf(pod);
  if (blame === null) return null;
  const { name, uid = "" } = pod.metadata;
  // One that has ended and was not started again yet has no restart.
  const ends = Math.max(1, restartsOf(pod));
  return { cluster, revision, pod: name, uid, ends, blame };
}

/** The notes with these ends: one a pod, the latest first. What is too old is left out. */
export function noteEnds(
  known: readonly PodCrashes[],
  ends: readonly PodEnd[],
  { id, now }: { readonly id: string; readonly now: Date },
): PodCrashes[] {
  const at = wholeSeconds(now.getTime());
  const notes = new Map(known.map((note) => [note.uid, note]));
  for (const { blame, ...end } of ends) {
    if (blame.plugin !== id || (notes.get(end.uid)?.ends ?? 0) >= end.ends) continue;
    notes.set(end.uid, { ...end, at, line: blame.line });
  }
  return [...notes.values()]
    .filter((note) => now.getTime() - Date.parse(note.at) < REMEMBERED_MS)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || (a.uid < b.uid ? -1 : 1))
    .slice(0, MOST_PODS);
}

/** The revision of a cluster that was ended most often; null: none was. */
export function worstOf(notes: readonly PodCrashes[]): CrashLoop | null {
  const sums = new Map<string, CrashLoop>();
  for (const { cluster, revision, ends, pod, line } of notes) {
    const id = `${cluster} ${revision}`;
    const sum = sums.get(id) ?? { cluster, revision, ends: 0, pod, line };
    sums.set(id, { ...sum, ends: sum.ends + ends });
  }
  return [...sums.values()].sort((a, b) => b.ends - a.ends)[0] ?? null;
}

/** "a NativePlugin that has ended an engine" in words for people, with its name where it is known. */
export function describeBlame({ plugin, line }: Blame, nameOf: (id: string) => string | null): string {
  const name = nameOf(plugin);
  return name === null ? line : `NativePlugin "${name}": ${line}`;
}

/** Whether a change of a pod may tell of a plugin: its engine has ended once more. */
export function hasEndedAgain(now: Pod, before: Pod | null): boolean {
  if (restartsOf(now) > restartsOf(before)) return true;
  return blameOf(now)?.line !== (before === null ? undefined : blameOf(before)?.line);
}

function restartsOf(pod: Pod | null): number {
  const statuses: readonly ContainerStatus[] = pod?.status?.containerStatuses ?? [];
  return statuses.find(({ name }) => name === CONTAINER)?.restartCount ?? 0;
}
