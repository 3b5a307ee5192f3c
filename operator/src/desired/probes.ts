/** When a pod counts as started, alive and ready, by the engine's monitor port. */
import { ports } from "#contract/runtime.ts";
import type { Probe } from "#operator/kube/objects.ts";

/** Ten minutes: a large spool is read from end to end before the engine answers. */
export const startupProbe: Probe = { ...ask("/healthy"), periodSeconds: 2, failureThreshold: 300 };

/** Not healthy means that the spool closed itself; a restart recovers it. */
export const livenessProbe: Probe = { ...ask("/healthy"), periodSeconds: 10, failureThreshold: 3 };

/** Quick, so that a cordoned pod gets no new connections for long. */
export const readinessProbe: Probe = { ...ask("/ready"), periodSeconds: 2, failureThreshold: 1 };

function ask(path: string): Probe {
  return { httpGet: { path, port: ports.monitor }, timeoutSeconds: 5 };
}
