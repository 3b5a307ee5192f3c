/** ConfigApplied (pure): all pods run the configuration that the spec says. */
import type { Problem } from "#contract/admin-api.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed, stayingSlots } from "./judged.ts";

export function configApplied(judged: Judged): VerdictOn<"ConfigApplied"> {
  const { config, lastGood } = judged;
  const fallback =
    lastGood === null ? "no revision has run yet" : `pods go on with the last good revision ${lastGood}`;
  if (config.kind === "broken") {
    const plugins = listed(judged.pluginProblems.map(({ message }) => message)) || "a plugin cannot be had";
    const what = config.problems.length > 0 ? describeProblems(config.problems) : plugins;
    return {
      status: "False",
      reason: config.reason,
      message: `${what}; ${fallback}`,
    };
  }
  if (config.kind === "refused") {
    const message = `revision ${config.revision}: ${describeProblems(config.problems)}; ${fallback}`;
    return { status: "False", reason: "Refused", message };
  }
  if (config.kind === "taken-back") {
    const message = `revision ${config.revision} did badly: ${config.message}; ${fallback}`;
    return { status: "False", reason: "RolledBack", message };
  }
  const behind = stayingSlots(judged).filter(({ pod }) => pod?.engine?.revision !== config.revision);
  const missing = judged.size - stayingSlots(judged).length;
  if (judged.deletion === null && (behind.length > 0 || missing > 0)) {
    const slots = behind.map(({ slot, pod }) => `slot ${slot} (${pod?.engine?.revision ?? "unknown"})`);
    const message = `revision ${config.revision} is not yet in ${listed(slots) || `${missing} missing pods`}`;
    return { status: "False", reason: "Pending", message };
  }
  return { status: "True", reason: "Applied", message: `revision ${config.revision}` };
}

/** "smtpd-app.yaml: servers[0].transport: there is no transport": each problem with its place. */
export function describeProblems(problems: readonly Problem[]): string {
  const texts = problems.map(({ file, path, reason }) =>
    [file, path, reason].filter((part) => part !== "").join(": "),
  );
  return listed(texts);
}
