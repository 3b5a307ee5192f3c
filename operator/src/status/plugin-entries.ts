/** The plugins as the pods have them (pure): there, missing, or not the same file everywhere. */
import type { PluginState } from "#contract/plugins-api.ts";
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";

import type { Judged } from "./judged.ts";

type Entry = MailClusterStatus["plugins"][number];

export function pluginEntries(judged: Pick<Judged, "plugins" | "pluginProblems" | "slots">): Entry[] {
  const found = judged.plugins.map(({ name, id }): Entry => entry(name, id, judged));
  const missing = judged.pluginProblems
    .filter(({ name }) => !found.some((plugin) => plugin.name === name))
    .map(({ name }): Entry => ({ name, state: "Missing" }));
  return [...found, ...missing];
}

function entry(name: string, id: string, { slots }: Pick<Judged, "slots">): Entry {
  const reports = slots.flatMap(({ pod }) => pod?.engine?.plugins.filter((plugin) => plugin.id === id) ?? []);
  const digests = new Set(reports.filter(({ state }) => state === "present").map(({ sha256 }) => sha256));
  const [sha256] = digests;
  if (reports.some(({ state }) => state === "missing")) return { name, state: "Missing" };
  if (sha256 === undefined) return { name, state: "Unknown" };
  if (digests.size > 1) return { name, state: "Differs" };
  return { name, state: "Present", sha256, ...facts(reports) };
}

/** What engines that have loaded it tell; the file is the same everywhere, so the first speaks for all. */
function facts(reports: readonly PluginState[]): Partial<Entry> {
  const loaded = reports.filter(({ abiVersion }) => abiVersion !== undefined);
  const [first] = loaded;
  if (first === undefined) return {};
  const { roles = [], functions = [], abiVersion } = first;
  return {
    pods: loaded.length,
    roles: [...roles],
    functions: functions.slice(0, 500),
    ...(abiVersion === undefined ? {} : { abiVersion }),
  };
}
