/** PluginsReady (pure): every plugin file is in place in every pod that answers. */
import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";
import { pluginEntries } from "./plugin-entries.ts";

export function pluginsReady(judged: Judged): VerdictOn<"PluginsReady"> {
  const [problem] = judged.pluginProblems;
  if (problem !== undefined) {
    const message = listed(judged.pluginProblems.map((each) => each.message));
    const isOpen = judged.pluginProblems.every(({ reason }) => reason === "NotChecked");
    return { status: isOpen ? "Unknown" : "False", reason: problem.reason, message };
  }
  if (judged.plugins.length === 0)
    return { status: "True", reason: "NoPlugins", message: "no plugins are named" };
  const entries = pluginEntries(judged);
  const missing = entries.filter(({ state }) => state === "Missing").map(({ name }) => name);
  if (missing.length > 0) {
    const places = judged.plugins.filter(({ name }) => missing.includes(name)).map(({ path }) => path);
    return { status: "False", reason: "FileMissing", message: `pods have no file at ${listed(places)}` };
  }
  const unsettled = entries.filter(({ state }) => state !== "Present").map(({ name }) => name);
  if (unsettled.length > 0)
    return {
      status: "Unknown",
      reason: "Pending",
      message: `not the same in all pods yet: ${listed(unsettled)}`,
    };
  return {
    status: "True",
    reason: "Present",
    message: `in place: ${listed(entries.map(({ name }) => name))}`,
  };
}
