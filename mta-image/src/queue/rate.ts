/**
 * Rate arithmetic (pure): how many tokens there are and when the next one comes. Both algorithms keep the same two
 * figures, so a reload that changes the algorithm or the numbers keeps what has been used.
 *   fixedwindow  at most `tokens` between the first use and `intervalMs` later, then all of them again.
 *   tokenbucket  used tokens come back evenly, `tokens` in each interval; what is full stays full.
 */
export interface Rate {
  readonly tokens: number;
  readonly intervalMs: number;
  readonly algorithm: "fixedwindow" | "tokenbucket";
}

export interface RateUse {
  /** Start of the window, or when `used` was last brought up to date. */
  at: number;
  used: number;
}

/** Against what floating point leaves over. */
const EPSILON = 1e-6;

export function usedAt(rate: Rate, use: RateUse, now: number): number {
  const elapsed = Math.max(0, now - use.at);
  if (rate.algorithm === "fixedwindow") return elapsed >= rate.intervalMs ? 0 : use.used;
  return Math.max(0, use.used - (elapsed * rate.tokens) / rate.intervalMs);
}

/** Whole tokens that may be taken now. */
export function available(rate: Rate, use: RateUse, now: number): number {
  return Math.max(0, Math.floor(rate.tokens - usedAt(rate, use, now) + EPSILON));
}

export function take(rate: Rate, use: RateUse, now: number, tokens: number): void {
  const used = usedAt(rate, use, now);
  if (rate.algorithm === "tokenbucket" || used === 0) use.at = now;
  use.used = used + tokens;
}

/** How long until there is a token; 0 when there is one. */
export function waitFor(rate: Rate, use: RateUse, now: number): number {
  const missing = usedAt(rate, use, now) + 1 - rate.tokens;
  if (missing <= EPSILON) return 0;
  if (rate.algorithm === "fixedwindow") return Math.ceil(use.at + rate.intervalMs - now);
  return Math.max(1, Math.ceil((missing * rate.intervalMs) / rate.tokens));
}

/**
 * A part of a rate, for one of several engines. Less than one token in an interval becomes one token in a longer
 * interval, so that nobody is left without and all together keep the rate.
 */
export function portion(rate: Rate, factor: number): Rate {
  const tokens = rate.tokens * factor;
  if (tokens >= 1) return { ...rate, tokens: Math.floor(tokens + EPSILON) };
  return { ...rate, tokens: 1, intervalMs: Math.ceil(rate.intervalMs / tokens) };
}
