/** The part of the MailCluster that says whether and how its web administration runs. */
import { z } from "zod";

import { quantities } from "./mail-cluster-pod.ts";
import { withRules } from "./rules.ts";
import { annotationMap, objectName } from "./values.ts";

const WebIngress = z.object({
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a host name in lower case")
    .describe("Name under which the pages are reached."),
  className: objectName.optional().describe("Ingress class; the cluster's default when absent."),
  tlsSecretName: objectName.optional().describe("A Secret of type kubernetes.io/tls for the host."),
  annotations: annotationMap.default({}).describe("For the ingress controller."),
});

const WebProxy = z.object({
  trusted: z
    .array(z.string().min(1).max(49))
    .min(1)
    .max(32)
    .describe(
      "Networks that the proxy speaks from, e.g. 10.0.0.0/8; its headers from anywhere else mean nothing.",
    ),
  userHeader: z.string().min(1).max(64).default("x-forwarded-user").describe("Header that names the user."),
  groupsHeader: z
    .string()
    .min(1)
    .max(64)
    .default("x-forwarded-groups")
    .describe("Header that names their groups."),
  roles: z
    .record(z.string().min(1).max(253), z.enum(["viewer", "operator", "admin"]))
    .meta({ maxProperties: 64 })
    .default({})
    .describe("Group to role; the highest counts."),
});

export const WebAdminSpec = withRules(
  z.object({
    enabled: z.boolean().default(false).describe("Whether there is a web administration."),
    image: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe("Image; what the operator was told to use when absent."),
    replicas: z.int().min(0).max(10).default(1).describe("Pods; they keep nothing, so any number may run."),
    title: z
      .string()
      .min(1)
      .max(60)
      .optional()
      .describe("Shown on every page; the cluster's name when absent."),
    usersSecretName: objectName
      .optional()
      .describe(
        "A Secret whose key users.yaml lists users, roles and hashes of passwords. When absent there is one user, admin, whose password is made once and lies in the Secret <name>-web.",
      ),
    tlsSecretName: objectName
      .optional()
      .describe("A Secret of type kubernetes.io/tls: the pods serve HTTPS themselves."),
    serviceType: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP"),
    ingress: WebIngress.optional().describe("An Ingress in front of the Service; none when absent."),
    proxy: WebProxy.optional().describe("A reverse proxy in front that says who comes."),
    resources: z
      .object({
        requests: quantities.optional(),
        limits: quantities.optional(),
      })
      .prefault({})
      .describe("Of the container."),
  }),
  [
    {
      cel: "!has(self.ingress) || !has(self.tlsSecretName)",
      message:
        "webAdmin.ingress and webAdmin.tlsSecretName exclude each other: an Ingress speaks plain HTTP to the pods; use webAdmin.ingress.tlsSecretName for its host",
      holds: ({ ingress, tlsSecretName }) => ingress === undefined || tlsSecretName === undefined,
    },
  ],
);
