/** The part of the MailCluster that says whether and how its web administration runs. */
import { z } from "zod";

import { quantities } from "./mail-cluster-pod.ts";
import { withRules } from "./rules.ts";
import { annotationMap, isNetwork, label, objectName, port } from "./values.ts";

const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a host name in lower case");

/** Ingress controllers that take such texts make them part of what they do for everybody. */
const noSnippets = {
  cel: "self.all(key, !key.endsWith('-snippet') && !key.endsWith('-snippets'))",
  message:
    "webAdmin.ingress.annotations must not hold snippets, which are configuration of the whole ingress controller: leave webAdmin.ingress out and make an Ingress to the Service of the pages yourself",
  holds: (value: Record<string, string>) => Object.keys(value).every((key) => !/-snippets?$/.test(key)),
};

const WebIngress = z.object({
  host: hostName.describe("Name under which the pages are reached."),
  className: objectName.optional().describe("Ingress class; the cluster's default when absent."),
  tlsSecretName: objectName.optional().describe("A Secret of type kubernetes.io/tls for the host."),
  annotations: withRules(annotationMap, [noSnippets])
    .default({})
    .describe(
      "For the ingress controller, as they are: whoever may write MailClusters can say to it what writers of Ingresses can.",
    ),
});

const GatewayRef = z.object({
  name: objectName.describe("Name of a Gateway."),
  namespace: label(63).optional().describe("Where it is; the MailCluster's namespace when absent."),
  sectionName: objectName.optional().describe("One of its listeners; all that fit when absent."),
  port: port.optional().describe("Listeners of this port alone."),
});

const WebHttpRoute = withRules(
  z.object({
    parentRefs: z.array(GatewayRef).min(1).max(8).describe("Gateways that lead to the pages."),
    hostnames: z
      .array(hostName)
      .min(1)
      .max(8)
      .describe("Names under which the pages are reached; the first is the one that log-ins come back to."),
  }),
  [
    {
      cel: "self.parentRefs.all(a, self.parentRefs.exists_one(b, a == b))",
      message: "webAdmin.httpRoute.parentRefs names the same Gateway and listener twice: remove one",
      holds: ({ parentRefs }) =>
        new Set(parentRefs.map((ref) => [ref.namespace, ref.name, ref.sectionName, ref.port].join("/")))
          .size === parentRefs.length,
    },
  ],
);

const WebProxy = withRules(
  z.object({
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
  }),
  [
    {
      cel: "self.trusted.all(n, isIP(n) || isCIDR(n))",
      message: "webAdmin.proxy.trusted must hold networks such as 10.0.0.0/8, or addresses",
      holds: ({ trusted }) => trusted.every(isNetwork),
    },
  ],
);

const role = z.enum(["viewer", "operator", "admin"]);
const httpsUrl = z
  .string()
  .min(1)
  .max(2048)
  .regex(/^https:\/\//, "must begin with https://");

const WebOidcCa = withRules(
  z.object({
    configMapName: objectName.optional().describe("A ConfigMap that holds it."),
    secretName: objectName.optional().describe("A Secret that holds it."),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[-._a-zA-Z0-9]+$/, "must be letters, digits, dots, hyphens and underscores")
      .default("ca.crt")
      .describe("Key in it whose text is the certificates in PEM."),
  }),
  [
    {
      cel: "has(self.configMapName) != has(self.secretName)",
      message: "webAdmin.oidc.ca needs exactly one of configMapName and secretName",
      holds: ({ configMapName, secretName }) => (configMapName === undefined) !== (secretName === undefined),
    },
  ],
);

/** As the server of the pages knows them. */
const signatures = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

const WebOidc = z.object({
  issuer: httpsUrl.describe("The OpenID provider, as its tokens name it."),
  clientId: z.string().min(1).max(255),
  clientSecretName: objectName
    .optional()
    .describe("A Secret whose key client-secret is the client's secret; a public client when absent."),
  url: httpsUrl
    .optional()
    .describe(
      "Where browsers find the pages; https and the Ingress' host, or the HTTPRoute's first, when absent. The provider must allow <url>/api/oidc/callback.",
    ),
  scopes: z.array(z.string().min(1).max(128)).max(20).default(["openid", "profile", "email"]),
  userinfo: z.boolean().default(false).describe("Ask for further claims, of providers with slim tokens."),
  nameClaim: z.string().min(1).max(255).default("preferred_username").describe("Names the user."),
  rolesClaim: z
    .string()
    .min(1)
    .max(255)
    .default("groups")
    .describe("Groups or roles; dots lead inside, as in realm_access.roles."),
  roles: z
    .record(z.string().min(1).max(253), role)
    .meta({ maxProperties: 64 })
    .default({})
    .describe("Group to role; the highest counts."),
  defaultRole: role
    .optional()
    .describe("For whoever the provider lets in; nobody without a group when absent."),
  label: z.string().min(1).max(60).default("Single sign-on").describe("What the button says."),
  algorithm: z.enum(signatures).optional().describe("What the provider signs by; RS256 when absent."),
  ca: WebOidcCa.optional().describe(
    "The authority that the provider's certificate is checked by; those that everybody trusts when absent. Read at start.",
  ),
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
    httpRoute: WebHttpRoute.optional().describe(
      "An HTTPRoute of the Gateway API in front of the Service; none when absent. The API server must serve gateway.networking.k8s.io/v1.",
    ),
    proxy: WebProxy.optional().describe("A reverse proxy in front that says who comes."),
    oidc: WebOidc.optional().describe("An OpenID provider that users log in by, beside passwords."),
    rolloutOrders: z
      .boolean()
      .default(false)
      .describe(
        "Whether the pages may pause, resume, promote and roll back: the pods may then patch this MailCluster, and the ValidatingAdmissionPolicy of the chart lets them change the annotation mailfleet.io/rollout alone. Where the operator knows of no such policy they get no rights.",
      ),
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
    {
      cel: "!has(self.httpRoute) || !has(self.tlsSecretName)",
      message:
        "webAdmin.httpRoute and webAdmin.tlsSecretName exclude each other: a Gateway speaks plain HTTP to the pods; name the certificate in the Gateway's listener",
      holds: ({ httpRoute, tlsSecretName }) => httpRoute === undefined || tlsSecretName === undefined,
    },
    {
      cel: "!has(self.oidc) || has(self.oidc.url) || has(self.ingress) || has(self.httpRoute)",
      message:
        "webAdmin.oidc needs to know where browsers find the pages: set webAdmin.oidc.url, webAdmin.ingress or webAdmin.httpRoute",
      holds: ({ oidc, ingress, httpRoute }) =>
        oidc === undefined || oidc.url !== undefined || ingress !== undefined || httpRoute !== undefined,
    },
  ],
);
