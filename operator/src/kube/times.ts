/** Wall-clock milliseconds as Kubernetes writes times (pure). */

/** MicroTime: leases and events are refused with fewer than six fraction digits. */
export function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

/** Time, of conditions and whatever else a status has: what the API server would cut off is not there to differ. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
