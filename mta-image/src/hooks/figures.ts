/** What hooks count. Plain numbers that only grow; `observe` is where metrics put their histogram. Never fails. */
import { type HookName, hookNames } from "./stages.ts";

export interface HookFigures {
  readonly runs: Record<HookName, number>;
  readonly errors: Record<HookName, number>;
  observe: (hook: HookName, seconds: number) => void;
}

export function makeHookFigures(): HookFigures {
  const zeros = (): Record<HookName, number> =>
    Object.fromEntries(hookNames.map((hook) => [hook, 0])) as Record<HookName, number>;
  return { runs: zeros(), errors: zeros(), observe: () => {} };
}
