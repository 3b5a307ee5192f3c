/**
 * What keeps a wish from being followed at once: bounds, stabilisation windows and step limits, with the meaning
 * they have in the HorizontalPodAutoscaler (autoscaling/v2 HPAScalingRules). Pure; time is a number of seconds.
 */

export interface DirectionRules {
  /** The wish must have stood this long: the smallest of the window for up, the largest for down. */
  readonly stabilizationSeconds: number;
  /** At most so many pods, or so many per cent of them, in a period; the larger of the two counts. */
  readonly pods: number;
  readonly percent: number;
  readonly periodSeconds: number;
}

export interface Behavior {
  readonly scaleUp: DirectionRules;
  readonly scaleDown: DirectionRules;
}

/** Up fast, down slow. */
export const defaultBehavior: Behavior = {
  scaleUp: { stabilizationSeconds: 0, pods: 4, percent: 100, periodSeconds: 15 },
  scaleDown: { stabilizationSeconds: 300, pods: 1, percent: 10, periodSeconds: 60 },
};

/** What the autoscaler remembers: wishes and changes. `at` in seconds. */
export interface History {
  readonly wishes: readonly { readonly at: number; readonly replicas: number }[];
  readonly changes: readonly { readonly at: number; readonly from: number; readonly to: number }[];
}

export const emptyHistory: History = { wishes: [], changes: [] };

/** The wish within the window that asks for the least movement away from `current`. */
export function stabilize(input: {
  readonly wish: number;
  readonly current: number;
  readonly history: History;
  readonly behavior: Behavior;
  readonly now: number;
}): number {
  const { wish, current, history, behavior, now } = input;
  const within = (seconds: number): number[] =>
    history.wishes.filter(({ at }) => now - at < seconds).map(({ replicas }) => replicas);
  if (wish > current) {
    return Math.max(current, Math.min(wish, ...within(behavior.scaleUp.stabilizationSeconds)));
  }
  return Math.min(current, Math.max(wish, ...within(behavior.scaleDown.stabilizationSeconds)));
}

/** As far towards `wish` as the steps of the running period allow. */
export function limitStep(input: {
  readonly wish: number;
  readonly current: number;
  readonly history: History;
  readonly behavior: Behavior;
  readonly now: number;
}): number {
  const { wish, current, behavior } = input;
  if (wish === current) return current;
  const isUp = wish > current;
  const rules = isUp ? behavior.scaleUp : behavior.scaleDown;
  const moved = movedInPeriod(input.history, { isUp, now: input.now, periodSeconds: rules.periodSeconds });
  const start = isUp ? current - moved : current + moved;
  const step = Math.max(rules.pods, Math.ceil((start * rules.percent) / 100));
  if (isUp) return Math.min(wish, Math.max(current, start + step));
  return Math.max(wish, Math.min(current, start - step));
}

/** Forgets what no window can ask for any more. */
export function trim(history: History, behavior: Behavior, now: number): History {
  const { scaleUp, scaleDown } = behavior;
  const wishSeconds = Math.max(scaleUp.stabilizationSeconds, scaleDown.stabilizationSeconds);
  const changeSeconds = Math.max(scaleUp.periodSeconds, scaleDown.periodSeconds);
  return {
    wishes: history.wishes.filter(({ at }) => now - at < wishSeconds),
    changes: history.changes.filter(({ at }) => now - at < changeSeconds),
  };
}

function movedInPeriod(
  history: History,
  options: { readonly isUp: boolean; readonly now: number; readonly periodSeconds: number },
): number {
  return history.changes
    .filter(({ at, from, to }) => options.now - at < options.periodSeconds && to > from === options.isUp)
    .reduce((total, { from, to }) => total + Math.abs(to - from), 0);
}
