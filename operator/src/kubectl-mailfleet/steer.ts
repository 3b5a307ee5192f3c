/** What is asked of a cluster by annotations, as arguments of kubectl (pure). A trailing "-" takes one off. */
import { annotations } from "#crds/group.ts";

import type { Steering } from "./arguments.ts";

const changes: Readonly<Record<Steering, readonly string[]>> = {
  pause: [`${annotations.rollout}=pause`],
  "pause-all": [`${annotations.paused}=true`],
  resume: [`${annotations.rollout}-`, `${annotations.paused}-`],
  promote: [`${annotations.rollout}=promote`],
  rollback: [`${annotations.rollout}=rollback`],
  hibernate: [`${annotations.hibernate}=true`],
  wake: [`${annotations.hibernate}-`],
};

export function steer(name: string, what: Steering): readonly string[] {
  return ["annotate", "--overwrite", "mailcluster", name, ...changes[what]];
}

/** Named to leave; the size is another matter, and another call. */
export function nameToLeave(name: string, slots: readonly number[]): readonly string[] {
  return ["annotate", "--overwrite", "mailcluster", name, `${annotations.removeSlots}=${slots.join(",")}`];
}

export function scaleTo(name: string, replicas: number): readonly string[] {
  return ["scale", "mailcluster", name, `--replicas=${replicas}`];
}
