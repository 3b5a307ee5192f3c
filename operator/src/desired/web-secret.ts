/**
 * Everything that the web administration is started with, as one Secret: its configuration, the key that signs sessions,
 * and, where the user names no users, the one that is made: `admin`, with a password that lies beside. Key and password
 * are made once, in `reconcile/`; whoever changes the password in the Secret's place names users of their own.
 */
import { dump } from "js-yaml";

import { paths, ports } from "#contract/runtime.ts";
import type { Secret } from "#operator/kube/objects.ts";

import type { ClusterIdentity, Context } from "./context.ts";
import { adminServerName, headlessServiceName } from "./names.ts";
import { webMetadata } from "./web-labels.ts";

export interface WebMaterial {
  readonly sessionKey: string;
  /** Of the user `admin`. */
  readonly password: string;
}

export const webPaths = {
  config: "/etc/mailfleet",
  admin: "/run/secrets/mailfleet/admin",
  users: "/run/secrets/mailfleet/users",
  tls: "/run/secrets/mailfleet/tls",
  oidc: "/run/secrets/mailfleet/oidc",
  oidcCa: "/run/secrets/mailfleet/oidc-ca",
} as const;

export const webPort = 8080;

export function webSecret(context: Context, { sessionKey, password }: WebMaterial): Secret {
  const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
  const users = { users: [{ name: "admin", role: "admin", passwordfile: `${webPaths.config}/password` }] };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: webMetadata(context.cluster),
    type: "Opaque",
    data: {
      "web.yaml": base64(webConfig(context)),
      "session-key": base64(sessionKey),
      ...(context.spec.webAdmin.usersSecretName === undefined
        ? { "users.yaml": base64(dump(users)), username: base64("admin"), password: base64(password) }
        : {}),
    },
  };
}

/** Null when something is missing in it: then it is made anew. The password is only there while it is needed. */
export function readWebSecret({ data }: Secret): WebMaterial | null {
  const text = (key: string): string => Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
  const material = { sessionKey: text("session-key"), password: text("password") };
  return material.sessionKey === "" ? null : material;
}

/** web.yaml, which the server reads at start. */
export function webConfig({ cluster, spec }: Context): string {
  const { title, usersSecretName, tlsSecretName, proxy } = spec.webAdmin;
  const tls = { cert: `${webPaths.tls}/tls.crt`, key: `${webPaths.tls}/tls.key` };
  return dump({
    title: title ?? cluster.name,
    listener: { address: "::", port: webPort, ...(tlsSecretName === undefined ? {} : { tls }) },
    engines: {
      discover: [{ host: podsHost(cluster), port: ports.admin }],
      tokenfile: paths.adminToken,
      ca: `${webPaths.admin}/ca.crt`,
      servername: adminServerName(cluster.name, cluster.namespace),
    },
    users: `${usersSecretName === undefined ? webPaths.config : webPaths.users}/users.yaml`,
    sessions: { keyfile: `${webPaths.config}/session-key` },
    ...oidcOf(spec.webAdmin),
    ...(proxy === undefined
      ? {}
      : {
          proxy: {
            trusted: proxy.trusted,
            userheader: proxy.userHeader.toLowerCase(),
            groupsheader: proxy.groupsHeader.toLowerCase(),
            roles: proxy.roles,
          },
        }),
  });
}

/** The secret itself stands in a file of the user's Secret, never in ours. */
function oidcOf({ oidc, ingress, httpRoute }: Context["spec"]["webAdmin"]): { readonly oidc?: object } {
  if (oidc === undefined) return {};
  const { issuer, clientId, clientSecretName, url, scopes, userinfo, label } = oidc;
  return {
    oidc: {
      issuer,
      clientid: clientId,
      ...(clientSecretName === undefined ? {} : { clientsecretfile: `${webPaths.oidc}/client-secret` }),
      url: url ?? `https://${ingress?.host ?? httpRoute?.hostnames[0] ?? ""}`,
      ...{ scopes, userinfo, label },
      nameclaim: oidc.nameClaim,
      rolesclaim: oidc.rolesClaim,
      roles: oidc.roles,
      ...(oidc.defaultRole === undefined ? {} : { defaultrole: oidc.defaultRole }),
      ...(oidc.algorithm === undefined ? {} : { algorithm: oidc.algorithm }),
      ...(oidc.ca === undefined ? {} : { ca: `${webPaths.oidcCa}/${oidc.ca.key}` }),
    },
  };
}

/** Every address of it is an engine, ready or not. */
function podsHost({ name, namespace }: ClusterIdentity): string {
  return `${headlessServiceName(name)}.${namespace}.svc`;
}
