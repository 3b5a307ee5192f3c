/** Stalled (pure, kstatus): nothing will move before somebody changes something. */
import type { VerdictOn } from "./conditions.ts";
import { configApplied } from "./config-applied.ts";
import { type Judged, listed } from "./judged.ts";
import { pluginsReady } from "./plugins-ready.ts";
import { isOfSpool } from "./spools-healthy.ts";

export function stalled(judged: Judged): VerdictOn<"Stalled"> {
  if (judged.pluginProblems.some(({ reason }) => reason !== "NotChecked"))
    return { status: "True", reason: "PluginsMissing", message: pluginsReady(judged).message };
  if (judged.config.kind === "taken-back")
    return { status: "True", reason: "RolledBack", message: configApplied(judged).message };
  if (judged.config.kind !== "rendered" && judged.pluginProblems.length === 0)
    return { status: "True", reason: "ConfigBroken", message: configApplied(judged).message };
  const refused = judged.refused.filter(({ kind }) => !isOfSpool(kind));
  if (refused.length > 0)
    return { status: "True", reason: "Refused", message: listed(refused.map(({ message }) => message)) };
  return { status: "False", reason: "Moving", message: "nothing is in the way" };
}
