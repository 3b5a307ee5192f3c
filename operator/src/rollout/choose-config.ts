/**
 * Which configuration pods are made and run with (pure): the spec's, or the last good one while the spec's is
 * broken, was refused by an engine, or did badly where it was tried out. Missing pods are always made, but nothing that works is touched for a
 * configuration that does not.
 */
import type { Problem } from "#contract/admin-api.ts";
import type { RenderedConfig, Rendering } from "#operator/desired/engine-config.ts";
import type { PluginProblem } from "#operator/plugins/resolve.ts";

import type { RolloutStatus } from "./decide-rollout.ts";

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
  | { readonly kind: "refused"; readonly revision: string; readonly problems: readonly Problem[] }
  /** The spec makes this revision, and it did badly in the canary pods, which keep it or not. */
  | {
      readonly kind: "taken-back";
      readonly revision: string;
      readonly phase: "RolledBack" | "Held";
      readonly message: string;
    };

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
  /** How far the spec's revision may go (decide-rollout.ts); null while there is none. */
  readonly rollout: RolloutStatus | null;
}): ConfigChoice {
  const { rendering, refusal, lastGood, rollout } = input;
  if (input.pluginProblems.length > 0) {
    const choice = fallBack({ kind: "broken", reason: "PluginsMissing", problems: [] }, lastGood);
    // Pods that have got a plugin which is in quarantine by now go back to what was good.
    const isNew = rendering.ok && lastGood !== null && rendering.config.revision !== lastGood.revision;
    const isSick = input.pluginProblems.some(({ reason }) => reason === "Quarantined");
    return isNew && isSick ? { ...choice, podChanges: "all" } : choice;
  }
  if (!rendering.ok) {
    const { reason, problems } = rendering;
    return fallBack({ kind: "broken", reason, problems }, lastGood);
  }
  const { config } = rendering;
  if (refusal?.revision === config.revision && lastGood !== null && lastGood.revision !== config.revision) {
    return fallBack({ kind: "refused", ...refusal }, lastGood);
  }
  if (rollout?.phase === "RolledBack" || rollout?.phase === "Held") {
    const { phase, message } = rollout;
    const state = { kind: "taken-back", revision: config.revision, phase, message } as const;
    // Canary pods that were made with it are made anew; nothing else is touched.
    return { state, config: lastGood, podChanges: phase === "RolledBack" ? "all" : "create" };
  }
  return { state: { kind: "rendered", revision: config.revision }, config, podChanges: "all" };
}

function fallBack(state: ConfigState, lastGood: RenderedConfig | null): ConfigChoice {
  return { state, config: lastGood, podChanges: lastGood === null ? "none" : "create" };
}
