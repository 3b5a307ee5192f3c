/** What is wrong with a configuration, under the key of the ConfigMap that holds it: there its user looks (pure). */
import { appFile } from "#contract/config.ts";
import { underNames } from "#contract/file-names.ts";
import type { MailClusterSpec } from "#crds/mail-cluster.ts";

import type { Rendering } from "./engine-config.ts";

export function underSourceName(rendering: Rendering, { config }: MailClusterSpec): Rendering {
  if (rendering.ok || config.appFrom === undefined) return rendering;
  const names = new Map([[appFile, config.appFrom.key]]);
  return { ...rendering, problems: underNames(rendering.problems, names) };
}
