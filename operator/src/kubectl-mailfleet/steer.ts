/** What is asked of a cluster by annotations, as arguments of kubectl (pure). A trailing "-" takes one off. */
import { annotations } from "#crds/group.ts";

import { readFence } from "#operator/slots/fence.ts";

import type { Command, Steering } from "./arguments.ts";

const changes: Readonly<Record<Exclude<Steering, "restart">, readonly string[]>> = {
  pause: [`${annotations.rollout}=pause`],
  "pause-all": [`${annotations.paused}=true`],
  resume: [`${annotations.rollout}-`, `${annotations.paused}-`],
  promote: [`${annotations.rollout}=promote`],
  rollback: [`${annotations.rollout}=rollback`],
  hibernate: [`${annotations.hibernate}=true`],
  wake: [`${annotations.hibernate}-`],
};

/** `now` is written down where what counts is that it is another word than before. */
export function steer(name: string, what: Steering, now: Date): readonly string[] {
  const change = what === "restart" ? [`${annotations.restart}=${now.toISOString()}`] : changes[what];
  return ["annotate", "--overwrite", "mailcluster", name, ...change];
}

/** Named to leave; the size is another matter, and another call. */
export function nameToLeave(name: string, slots: readonly number[]): readonly string[] {
  return ["annotate", "--overwrite", "mailcluster", name, `${annotations.removeSlots}=${slots.join(",")}`];
}

export function scaleTo(name: string, replicas: number): readonly string[] {
  return ["scale", "mailcluster", name, `--replicas=${replicas}`];
}

/** The fence as it is after this, from the annotation as it stands and the slots that there are. */
export function fenceTo(
  { kind, name, slots }: Command & { kind: "fence" | "unfence" },
  now: { readonly text: string | undefined; readonly slots: readonly number[] },
): readonly string[] {
  return [
    "annotate",
    "--overwrite",
    "mailcluster",
    name,
    `${annotations.fenced}${fenceAfter(kind, slots, name, now)}`,
  ];
}

function fenceAfter(
  kind: "fence" | "unfence",
  slots: readonly number[] | null,
  name: string,
  now: { readonly text: string | undefined; readonly slots: readonly number[] },
): string {
  if (slots === null) return kind === "fence" ? "=*" : "-";
  const fence = readFence(now.text, name);
  if (kind === "fence" && fence.isAll) return "=*";
  const before = fence.isAll ? [...fence.slots, ...now.slots] : [...fence.slots];
  const after = kind === "fence" ? [...before, ...slots] : before.filter((slot) => !slots.includes(slot));
  const text = [...new Set(after)].sort((a, b) => a - b).join(",");
  return text === "" ? "-" : `=${text}`;
}
