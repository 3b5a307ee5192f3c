/**
 * How one comes to the web administration, and what it may reach: a Service, an Ingress or an HTTPRoute where one is wanted, and a policy
 * that lets anybody in to its one port and it out to the engines' admin API and to DNS
 * alone, to the port of an OpenID provider where one is named, and to the API server where roll-outs are ordered.
 */
import { ports } from "#contract/runtime.ts";
import type { HttpRoute, Ingress, NetworkPolicy, Service } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { selectorLabels } from "./labels.ts";
import { webName } from "./names.ts";
import { webMetadata, webSelector } from "./web-labels.ts";
import { apiServerPorts, mayOrderRollouts } from "./web-rights.ts";
import { webPort } from "./web-secret.ts";

/** Of the Service, while the pods serve plain HTTP. */
const plainPort = 80;

export function webService({ cluster, spec }: Context): Service {
  const { serviceType, tlsSecretName } = spec.webAdmin;
  const port = tlsSecretName === undefined ? plainPort : 443;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: webMetadata(cluster),
    spec: {
      type: serviceType,
      selector: webSelector(cluster.name),
      ports: [{ name: "http", port, targetPort: webPort, protocol: "TCP" }],
    },
  };
}

/** Null: none is wanted. */
export function webIngress({ cluster, spec }: Context): Ingress | null {
  const { ingress } = spec.webAdmin;
  if (ingress === undefined) return null;
  const { host, className, tlsSecretName, annotations } = ingress;
  const service = { name: webName(cluster.name), port: { name: "http" } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: webMetadata(cluster, annotations),
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      ...(tlsSecretName === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend: { service } }] } }],
    },
  };
}

/** Null: none is wanted, or none can be made, which the condition WebAdminReady says. */
export function webHttpRoute({ cluster, spec, servesRoutes }: Context): HttpRoute | null {
  const { httpRoute } = spec.webAdmin;
  if (httpRoute === undefined || !servesRoutes) return null;
  const { parentRefs, hostnames } = httpRoute;
  const matches = [{ path: { type: "PathPrefix", value: "/" } }];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: webMetadata(cluster),
    spec: {
      parentRefs,
      hostnames,
      rules: [{ matches, backendRefs: [{ name: webName(cluster.name), port: plainPort }] }],
    },
  };
}

/** Null: no policies are wanted. */
export function webNetworkPolicy(context: Context): NetworkPolicy | null {
  const { cluster, spec } = context;
  if (spec.networkPolicy.mode === "None") return null;
  const tcp = (port: number): { protocol: string; port: number } => ({ protocol: "TCP", port });
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: webMetadata(cluster),
    spec: {
      podSelector: { matchLabels: webSelector(cluster.name) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [tcp(webPort)] }],
      egress: [
        { ports: [tcp(ports.admin)], to: [{ podSelector: { matchLabels: selectorLabels(cluster.name) } }] },
        { ports: [{ protocol: "UDP", port: 53 }, tcp(53)] },
        ...(mayOrderRollouts(context) ? [{ ports: apiServerPorts.map(tcp) }] : []),
        ...(spec.webAdmin.oidc === undefined ? [] : [{ ports: [tcp(portOf(spec.webAdmin.oidc.issuer))] }]),
      ],
    },
  };
}

/** Its address may change with every answer of DNS, so the port is what a policy can name. */
function portOf(issuer: string): number {
  return URL.canParse(issuer) ? Number(new URL(issuer).port || 443) : 443;
}
