/**
 * Which configuration pods are made and run with (pure): the spec's, or the last good one while the spec's is
 * broken or was refused by an engine. Missing pods are always made, but nothing that works is touched for a
 * configuration that does not.
 */
import type { Problem } from "#contract/admin-api.ts";
import type { RenderedConfig, Rendering } from "#operator/desired/engine-config.ts";
import type { PluginProblem } from "#operator/plugins/resolve.ts";

/** Where the spec's configuration stands. */
export type ConfigState =
  /** The spec makes this revision. */
  | { readonly kind: "rendered"; readonly revision: string }
  /** The spec makes none. */
  | {
      readonly kind: "broken";
      readonly reason: "Invalid" | "SourceMissing" | "PluginsMissing";
      readonly problems: readonly Problem[];
    }
  /** The spec makes this revision, and an engine has refused it. */
  | { readonly kind: "refused"; readonly revision: string; readonly problems: readonly Problem[] };

export interface ConfigChoice {
  readonly state: ConfigState;
  /** Null: none has ever been good. */
  readonly config: RenderedConfig | null;
  /** As decideSlots wants it. */
  readonly podChanges: "all" | "create" | "none";
}

export function chooseConfig(input: {
  readonly rendering: Rendering;
  readonly pluginProblems: readonly PluginProblem[];
  /** What an engine answered to a push, while that answer is remembered. */
  readonly refusal: { readonly revision: string; readonly problems: readonly Problem[] } | null;
  /** The files of status.revision.lastGood, read from their ConfigMap. */
  readonly lastGood: RenderedConfig | null;
}): ConfigChoice {
  const { rendering, refusal, lastGood } = input;
  if (input.pluginProblems.length > 0) {
    return fallBack({ kind: "broken", reason: "PluginsMissing", problems: [] }, lastGood);
  }
  if (!rendering.ok) {
    const { reason, problems } = rendering;
    return fallBack({ kind: "broken", reason, problems }, lastGood);
  }
  const { config } = rendering;
  if (refusal?.revision === config.revision && lastGood !== null && lastGood.revision !== config.revision) {
    return fallBack({ kind: "refused", ...refusal }, lastGood);
  }
  return { state: { kind: "rendered", revision: config.revision }, config, podChanges: "all" };
}

function fallBack(state: ConfigState, lastGood: RenderedConfig | null): ConfigChoice {
  return { state, config: lastGood, podChanges: lastGood === null ? "none" : "create" };
}
