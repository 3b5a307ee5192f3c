/**
 * An operator for tests against a real API server, with all that these have in common: real time, images that nobody pulls, the
 * namespace of its lease. What a test hands in goes before.
 */
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { accessOf } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";
import { Manager, type ManagerOptions } from "#operator/manager.ts";
import { makeMetrics } from "#operator/metrics.ts";

/** Where lease and operator are. */
export const SYSTEM = "mailfleet-test";

/** `user` is impersonated; null: whoever the file names. */
export function kubeAs(user: string | null, kubeconfig: string): HttpKube {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  if (user !== null) config.users = config.users.map((each) => ({ ...each, impersonateUser: user }));
  return new HttpKube({
    access: accessOf(config),
    clock: systemClock,
    random: systemRandom,
    userAgent: "mailfleet-test",
  });
}

type Own = Pick<ManagerOptions, "kube" | "engines" | "identity" | "watchNamespaces"> &
  Partial<ManagerOptions>;

export function liveManager(own: Own): Manager {
  const lease = { namespace: SYSTEM, name: "mailfleet-operator" };
  return new Manager({
    leaseKube: null,
    lease,
    workers: 1,
    maxUpgradingClusters: 1,
    facts: {
      engineImage: "mailfleet-mta:test",
      webImage: "mailfleet-web:test",
      namespace: (own.lease ?? lease).namespace,
      podLabels: {},
      hasImageVolumes: true,
      hasOrdersPolicy: true,
    },
    metrics: makeMetrics(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...own,
  });
}
