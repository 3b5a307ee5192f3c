/**
 * The commands of mtactl about native plugins: words of the command line to a call of the admin API, and its answer to
 * lines for people (pure).
 */
import { PluginAnswer, PluginList } from "#contract/plugins-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const pluginsUsage = `  mtactl plugins                                   what is loaded, with its figures
  mtactl plugin command ID [WORD ...]              whatever the plugin makes of it
`;

/** Null for what is no such command. */
export function pluginCall([first, second, id, ...args]: readonly string[]): Call | null {
  if (first === "plugins" && second === undefined) {
    return { method: "GET", path: "/v1/plugins", show: showPlugins };
  }
  if (first !== "plugin" || second !== "command" || id === undefined) return null;
  const path = `/v1/plugins/${encodeURIComponent(id)}/command`;
  return { method: "POST", path, body: { args }, show: showAnswer, refused: isRefused };
}

function showPlugins(answer: unknown): string {
  return PluginList.parse(answer)
    .plugins.map(({ id, path, roles = [], functions = [], abiVersion, crashes = 0, figures }) => {
      const blocked = `${figures?.blockedCalls ?? 0} blocked for ${figures?.blockedMs ?? 0} ms`;
      return [
        `${id}  ${path}\n`,
        `  roles      ${roles.join(", ") || "none"}; interface version ${abiVersion ?? "unknown"}\n`,
        `  functions  ${functions.join(", ") || "none"}\n`,
        `  calls      ${figures?.calls ?? 0}, ${figures?.suspended ?? 0} waiting, ${blocked}, ` +
          `${figures?.misuses ?? 0} misuses, ${crashes} crashes\n`,
      ].join("");
    })
    .join("");
}

function showAnswer(answer: unknown): string {
  const { text } = PluginAnswer.parse(answer);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function isRefused(answer: unknown): boolean {
  return !PluginAnswer.parse(answer).ok;
}
