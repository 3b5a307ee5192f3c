/**
 * The two Services: the one that mail comes in by, which sends only to ready pods, and the headless one that gives
 * every pod its name, ready or not.
 */
import { ports } from "#contract/runtime.ts";
import { containerPort } from "#crds/mail-cluster-traffic.ts";
import type { Service, ServicePort } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, selectorLabels } from "./labels.ts";
import { headlessServiceName, serviceName } from "./names.ts";

export function mailService({ cluster, spec }: Context): Service {
  const { type, annotations, externalTrafficPolicy, loadBalancerClass, loadBalancerSourceRanges } =
    spec.service;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(cluster, { name: serviceName(cluster.name), annotations, ownedBy: "cluster" }),
    spec: {
      type,
      // Local keeps the client's address, on which access, limits and SPF rest; ClusterIP knows no such policy.
      ...(type === "ClusterIP" ? {} : { externalTrafficPolicy: externalTrafficPolicy ?? "Local" }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ...(loadBalancerSourceRanges === undefined ? {} : { loadBalancerSourceRanges }),
      selector: selectorLabels(cluster.name),
      ports: spec.listeners.map(({ name, port }) => servicePort(name, port, containerPort(port))),
    },
  };
}

export function headlessService({ cluster }: Context): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(cluster, { name: headlessServiceName(cluster.name), ownedBy: "cluster" }),
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      // A pod that starts or leaves is looked at as well.
      publishNotReadyAddresses: true,
      selector: selectorLabels(cluster.name),
      ports: [
        servicePort("admin", ports.admin, ports.admin),
        servicePort("monitor", ports.monitor, ports.monitor),
      ],
    },
  };
}

/** The protocol is said although it is the default: ports are merged by port and protocol. */
function servicePort(name: string, port: number, targetPort: number): ServicePort {
  return { name, port, targetPort, protocol: "TCP" };
}
