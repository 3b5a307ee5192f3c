/**
 * Who may reach the pods: mail clients the listeners, everybody the metrics, only the operator, the
 * cluster's own pods, which hand over mail to each other, and its web administration the admin API.
 * Outgoing traffic is not limited here: an engine delivers to the whole world, and to name servers (egress-policy.ts).
 */
import { ports } from "#contract/runtime.ts";
import { containerPort } from "#crds/mail-cluster-traffic.ts";
import type { NetworkPolicy } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, selectorLabels } from "./labels.ts";
import { networkPolicyName } from "./names.ts";
import { webSelector } from "./web-labels.ts";

/** Null: none is wanted. */
export function networkPolicy({ cluster, spec, operator }: Context): NetworkPolicy | null {
  const { mode, clients } = spec.networkPolicy;
  if (mode === "None") return null;
  const tcp = (port: number): { protocol: string; port: number } => ({ protocol: "TCP", port });
  const web = spec.webAdmin.enabled ? [{ podSelector: { matchLabels: webSelector(cluster.name) } }] : [];
  const admins = [operatorPeer(operator), ownPods(cluster.name), ...web];
  const listeners = spec.listeners.map(({ port }) => tcp(containerPort(port)));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(cluster, { name: networkPolicyName(cluster.name), ownedBy: "cluster" }),
    spec: {
      podSelector: { matchLabels: selectorLabels(cluster.name) },
      policyTypes: ["Ingress"],
      ingress: [
        {
          ports: listeners,
          ...(clients === undefined ? {} : { from: clients.map((cidr) => ({ ipBlock: { cidr } })) }),
        },
        { ports: [tcp(ports.monitor)] },
        { ports: [tcp(ports.admin)], from: admins },
      ],
    },
  };
}

function operatorPeer({ namespace, podLabels }: Context["operator"]): Readonly<Record<string, unknown>> {
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    podSelector: { matchLabels: podLabels },
  };
}

/** Of the same namespace, since none is named. */
function ownPods(cluster: string): Readonly<Record<string, unknown>> {
  return { podSelector: { matchLabels: selectorLabels(cluster) } };
}
