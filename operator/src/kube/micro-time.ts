/** Kubernetes' MicroTime (pure): leases and events are refused with fewer than six fraction digits. */
export function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
