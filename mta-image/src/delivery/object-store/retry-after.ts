/**
 * How long a store does not want to be asked again (RFC 9110 10.2.3): seconds, or a date in one of the three forms of HTTP
 * (5.6.7). Pure. What is neither says nothing, and nobody is taken at their word for longer than a day: a slip of a store
 * must not keep mail until its schedule is over.
 */

export const LONGEST_RETRY_AFTER_MS = 86_400_000;

const DATE =
  /^[A-Z][a-z]{2,8},? (?:\d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/;

/** `now` in wall-clock ms; 0 for what is over, or says nothing. */
export function retryAfterMs(field: string | undefined, now: number): number {
  const text = field?.trim() ?? "";
  const waitMs = /^\d{1,15}$/.test(text) ? Number(text) * 1000 : untilDate(text, now);
  return Math.min(Math.max(waitMs, 0), LONGEST_RETRY_AFTER_MS);
}

function untilDate(text: string, now: number): number {
  if (!DATE.test(text)) return 0;
  // The form of asctime has no zone, and means this one.
  const at = Date.parse(text.endsWith(" GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? 0 : at - now;
}
