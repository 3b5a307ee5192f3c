/**
 * The part of the MailCluster that says how mail comes in: listeners, the Service in front of them, the network
 * policy around them.
 */
import { z } from "zod";

import { withRules } from "./rules.ts";
import { annotationMap, objectName, port } from "./values.ts";

/** Where a listener of that port listens inside the pod: nothing in it may bind below 1024. */
export function containerPort(servicePort: number): number {
  if (servicePort === 25) return 2525;
  return servicePort < 1024 ? servicePort + 5000 : servicePort;
}

/** The same in CEL, for the variable `name`. */
const containerPortCel = (name: string): string =>
  `(${name}.port == 25 ? 2525 : ${name}.port < 1024 ? ${name}.port + 5000 : ${name}.port)`;

/** RFC 6335 5.1: what Kubernetes takes as the name of a container's port. */
const portName = z
  .string()
  .min(1)
  .max(15)
  .regex(
    /^[a-z](-?[a-z0-9])*$/,
    "must start with a letter and hold only lower-case letters, digits and single hyphens",
  );

const Listener = withRules(
  z.object({
    name: portName.describe(
      "Name of the listener: of the Service's port, and of the server in smtpd-app.yaml.",
    ),
    port: port.describe("Port of the Service."),
    type: z
      .enum(["smtp", "submission"])
      .default("smtp")
      .describe(
        "smtp: mail from other servers and applications. submission: mail from people's programs, so TLS is needed.",
      ),
    tls: z
      .object({
        secretName: objectName.describe("A Secret of type kubernetes.io/tls."),
        mode: z
          .enum(["StartTls", "Implicit"])
          .default("StartTls")
          .describe("Implicit: TLS from the first byte, as on port 465 (RFC 8314)."),
      })
      .optional()
      .describe("Certificate of the listener; without it the listener offers no TLS."),
    proxyProtocol: z
      .boolean()
      .default(false)
      .describe(
        "Every connection begins with a PROXY header, version 1 or 2, in which the load balancer names the client; one without is cut. Whose headers count is said by servers[].proxynetworks of smtpd-app.yaml: those of private networks, unless it says otherwise.",
      ),
  }),
  [
    {
      cel: "!has(self.type) || self.type != 'submission' || has(self.tls)",
      message:
        "a listener of type submission needs tls.secretName: name a Secret with a certificate, or use type smtp",
      holds: ({ type, tls }) => type !== "submission" || tls !== undefined,
    },
    {
      cel: "self.name != 'admin' && self.name != 'monitor'",
      message:
        "a listener cannot be called admin or monitor: the engine's own ports are; choose another name",
      holds: ({ name }) => name !== "admin" && name !== "monitor",
    },
    {
      cel: "self.port != 8443 && self.port != 9090",
      message:
        "a listener's port cannot be 8443 or 9090: the engine's admin API and metrics are there; choose another port",
      holds: ({ port: number }) => number !== 8443 && number !== 9090,
    },
  ],
);
export type Listener = z.output<typeof Listener>;

export const ListenerList = withRules(
  z
    .array(Listener)
    .min(1)
    .max(8)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
  [
    {
      cel: `self.all(a, self.exists_one(b, ${containerPortCel("a")} == ${containerPortCel("b")}))`,
      message:
        "two of listeners would share a port inside the pod, where 25 is 2525 and any other port below 1024 is 5000 more: change one of them",
      holds: (list) => new Set(list.map(({ port: number }) => containerPort(number))).size === list.length,
    },
  ],
)
  .default([{ name: "smtp", port: 25, type: "smtp", proxyProtocol: false }])
  .describe("Where mail comes in; one SMTP listener on port 25 when absent.");

export const ServiceSpec = withRules(
  z.object({
    type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP"),
    externalTrafficPolicy: z
      .enum(["Local", "Cluster"])
      .optional()
      .describe(
        "For NodePort and LoadBalancer. Local, the default there, keeps the client's address; Cluster hides it.",
      ),
    annotations: annotationMap
      .default({})
      .describe(
        "For the load balancer, as they are: whoever may write MailClusters can say to it what writers of Services can.",
      ),
    loadBalancerClass: z.string().min(1).max(253).optional(),
    loadBalancerSourceRanges: z
      .array(z.string().min(1).max(49))
      .max(64)
      .optional()
      .describe("Networks that may use the load balancer, e.g. 192.0.2.0/24."),
  }),
  [
    {
      cel: "!has(self.externalTrafficPolicy) || (has(self.type) && self.type != 'ClusterIP')",
      message:
        "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer: set the type, or leave the policy out",
      holds: ({ externalTrafficPolicy, type }) => externalTrafficPolicy === undefined || type !== "ClusterIP",
    },
    {
      cel: "(!has(self.loadBalancerClass) && !has(self.loadBalancerSourceRanges)) || (has(self.type) && self.type == 'LoadBalancer')",
      message:
        "service.loadBalancerClass and service.loadBalancerSourceRanges need service.type LoadBalancer: set the type, or leave them out",
      holds: ({ loadBalancerClass, loadBalancerSourceRanges, type }) =>
        (loadBalancerClass === undefined && loadBalancerSourceRanges === undefined) ||
        type === "LoadBalancer",
    },
  ],
);

export const NetworkPolicySpec = withRules(
  z.object({
    mode: z
      .enum(["Managed", "None"])
      .default("Managed")
      .describe(
        "Managed: only listeners and metrics are open, the admin API only to the operator. None: no NetworkPolicy is made.",
      ),
    clients: z
      .array(z.string().min(1).max(49))
      .max(64)
      .optional()
      .describe("Networks that may reach the listeners, e.g. 10.0.0.0/8; all when absent."),
    egress: z
      .enum(["Any", "Dns"])
      .default("Any")
      .describe(
        "Any: nothing is said about outgoing traffic. Dns: a policy of its own lets DNS out, to port 53 and the ports of spamhaus.resolvers, for namespaces that deny outgoing traffic and let mail out by a policy of theirs.",
      ),
  }),
  [
    {
      cel: "!has(self.clients) || !has(self.mode) || self.mode != 'None'",
      message: "networkPolicy.clients has no effect with mode None: leave out one of the two",
      holds: ({ clients, mode }) => clients === undefined || mode !== "None",
    },
    {
      cel: "!has(self.egress) || self.egress == 'Any' || !has(self.mode) || self.mode != 'None'",
      message: "networkPolicy.egress has no effect with mode None: leave out one of the two",
      holds: ({ egress, mode }) => egress === "Any" || mode !== "None",
    },
  ],
);
