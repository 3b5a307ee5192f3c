/**
 * The web administration's pods and their identity, which may do nothing unless it may order roll-outs: what they show they ask the engines, with the
 * token and the authority of the cluster's admin Secret, never its key. They pass Pod Security "restricted". A changed
 * configuration starts them anew, since it is read at start.
 */
import type { Container, Deployment, PodSpec, ServiceAccount, Volume } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { shortHash } from "./hash.ts";
import { adminSecretName, webName } from "./names.ts";
import { containerSecurity, podSecurity } from "./security.ts";
import { webMetadata, webSelector } from "./web-labels.ts";
import { mayOrderRollouts, webEnvironment } from "./web-rights.ts";
import { webConfig, webPaths, webPort } from "./web-secret.ts";

const CONFIG_HASH = "mailfleet.io/web-config-hash";

export function webServiceAccount({ cluster }: Context): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: webMetadata(cluster),
    automountServiceAccountToken: false,
  };
}

export function webDeployment(context: Context, image: string): Deployment {
  const { cluster, spec } = context;
  const labels = { ...webSelector(cluster.name), "app.kubernetes.io/part-of": "mailfleet" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: webMetadata(cluster),
    spec: {
      replicas: spec.webAdmin.replicas,
      selector: { matchLabels: webSelector(cluster.name) },
      template: {
        metadata: { labels, annotations: { [CONFIG_HASH]: shortHash(webConfig(context)) } },
        spec: podSpec(context, image),
      },
    },
  };
}

function podSpec(context: Context, image: string): PodSpec {
  const { cluster, spec } = context;
  const { fsGroup: _, fsGroupChangePolicy: __, ...security } = podSecurity;
  const mounts = mountsOf(context);
  return {
    serviceAccountName: webName(cluster.name),
    automountServiceAccountToken: mayOrderRollouts(context),
    enableServiceLinks: false,
    containers: [
      {
        ...container(context, image),
        volumeMounts: mounts.map(({ volume, path }) => ({
          name: volume.name,
          mountPath: path,
          readOnly: true,
        })),
      },
    ],
    volumes: mounts.map(({ volume }) => volume),
    securityContext: security,
    ...(spec.engine.pullSecrets.length === 0 ? {} : { imagePullSecrets: spec.engine.pullSecrets }),
  };
}

function container(context: Context, image: string): Container {
  const { cluster, spec } = context;
  const { tlsSecretName, resources } = spec.webAdmin;
  const scheme = tlsSecretName === undefined ? "HTTP" : "HTTPS";
  const probe = { httpGet: { path: "/healthy", port: "http", scheme } };
  return {
    name: "web",
    image,
    imagePullPolicy: spec.engine.pullPolicy,
    args: ["-c", `${webPaths.config}/web.yaml`],
    ...(mayOrderRollouts(context) ? { env: webEnvironment(cluster) } : {}),
    ports: [{ name: "http", containerPort: webPort, protocol: "TCP" }],
    resources: {
      requests: resources.requests ?? { cpu: "20m", memory: "96Mi" },
      limits: resources.limits ?? { memory: "256Mi" },
    },
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe, periodSeconds: 20, failureThreshold: 3 },
    readinessProbe: { ...probe, periodSeconds: 5 },
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

interface Mount {
  readonly volume: Volume;
  readonly path: string;
}

function mountsOf({ cluster, spec }: Context): readonly Mount[] {
  const { usersSecretName, tlsSecretName, oidc } = spec.webAdmin;
  const secret = (name: string, secretName: string, path: string, keys?: readonly string[]): Mount => ({
    volume: {
      name,
      secret: {
        secretName,
        ...(keys === undefined ? {} : { items: keys.map((key) => ({ key, path: key })) }),
      },
    },
    path,
  });
  return [
    secret("config", webName(cluster.name), webPaths.config),
    secret("admin", adminSecretName(cluster.name), webPaths.admin, ["token", "ca.crt"]),
    ...(usersSecretName === undefined
      ? []
      : [secret("users", usersSecretName, webPaths.users, ["users.yaml"])]),
    ...(tlsSecretName === undefined
      ? []
      : [secret("tls", tlsSecretName, webPaths.tls, ["tls.crt", "tls.key"])]),
    ...(oidc?.clientSecretName === undefined
      ? []
      : [secret("oidc", oidc.clientSecretName, webPaths.oidc, ["client-secret"])]),
    ...(oidc?.ca === undefined ? [] : [authority(oidc.ca)]),
  ];
}

/** The one key of it alone, from a ConfigMap or a Secret. */
function authority({ configMapName, secretName, key }: OidcAuthority): Mount {
  const items = [{ key, path: key }];
  const name = "oidc-ca";
  const volume: Volume =
    configMapName === undefined
      ? { name, secret: { secretName: secretName ?? "", items } }
      : { name, configMap: { name: configMapName, items } };
  return { volume, path: webPaths.oidcCa };
}

type OidcAuthority = NonNullable<NonNullable<Context["spec"]["webAdmin"]["oidc"]>["ca"]>;
