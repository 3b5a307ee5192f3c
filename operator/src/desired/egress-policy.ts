/**
 * Lets the pods ask name servers where a namespace denies outgoing traffic. A policy of its own: who is named by any
 * policy for outgoing traffic may do nothing else, so it is only made on demand, beside one that lets mail out.
 */
import type { NetworkPolicy } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, selectorLabels } from "./labels.ts";
import { egressPolicyName } from "./names.ts";

const DNS_PORT = 53;

/** Null: none is wanted. */
export function egressPolicy({ cluster, spec }: Context): NetworkPolicy | null {
  const { mode, egress } = spec.networkPolicy;
  if (mode === "None" || egress === "Any") return null;
  const named = (spec.spamhaus?.resolvers ?? []).map(portOf);
  const ports = [...new Set([DNS_PORT, ...named])].toSorted((a, b) => a - b);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(cluster, { name: egressPolicyName(cluster.name), ownedBy: "cluster" }),
    spec: {
      podSelector: { matchLabels: selectorLabels(cluster.name) },
      policyTypes: ["Egress"],
      egress: [
        {
          // TCP for answers that do not fit (RFC 7766).
          ports: ports.flatMap((port) => ["UDP", "TCP"].map((protocol) => ({ protocol, port }))),
        },
      ],
    },
  };
}

/** "192.0.2.1:5353" and "[2001:db8::1]:5353" name a port; an address alone does not. */
function portOf(server: string): number {
  const port = /^(?:[\d.]+|\[.*\]):(\d+)$/.exec(server)?.[1];
  return port === undefined ? DNS_PORT : Number(port);
}
