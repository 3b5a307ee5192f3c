/**
 * The pod that opens a plugin once, before any cluster gets it (pure). Opening runs the file's code, so the pod has nothing
 * to reach: no token, no volume but the file, no network (checkPolicy), a bound on memory and time. It passes Pod
 * Security "restricted". Its name says which generation it checks.
 */
import { pluginCheck } from "#contract/plugin-check.ts";
import { labels as keys } from "#crds/group.ts";
import type { CustomObject, NetworkPolicy, Pod } from "#operator/kube/objects.ts";
import type { ObjectMeta } from "#operator/kube/kube.ts";
import type { ResolvedPlugin } from "#operator/plugins/resolve.ts";

import { pluginParts } from "./plugin-volumes.ts";
import { containerSecurity, podSecurity } from "./security.ts";

const MOST_SECONDS = 300;

export interface CheckFacts {
  readonly object: CustomObject;
  readonly plugin: ResolvedPlugin;
  readonly engine: EngineImage;
  readonly hasImageVolumes: boolean;
}

/** What the check runs in: an engine's image, and what the node needs to get it and the plugin's. */
export interface EngineImage {
  readonly image: string;
  readonly pullSecrets: readonly { readonly name: string }[];
}

export function checkPod({ object, plugin, engine, hasImageVolumes }: CheckFacts): Pod {
  const engineImage = engine.image;
  const pullPolicy = "IfNotPresent";
  const { volumes, mounts, initContainers } = pluginParts([plugin], {
    // The tag: which digest it stands for now is what the check finds out.
    images: new Map(),
    hasImageVolumes,
    engineImage,
    pullPolicy,
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(object, checkName(object)),
    spec: {
      ...(initContainers.length === 0 ? {} : { initContainers }),
      containers: [
        {
          name: "check",
          image: engineImage,
          imagePullPolicy: pullPolicy,
          command: [pluginCheck.program],
          args: ["--result", pluginCheck.result, plugin.path],
          volumeMounts: mounts,
          resources: {
            requests: { cpu: "10m", memory: "64Mi" },
            limits: { cpu: "1", memory: "512Mi" },
          },
          securityContext: containerSecurity,
        },
      ],
      volumes,
      ...(engine.pullSecrets.length === 0 ? {} : { imagePullSecrets: engine.pullSecrets }),
      restartPolicy: "Never",
      activeDeadlineSeconds: MOST_SECONDS,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: podSecurity,
    },
  };
}

/** Nothing in, nothing out. */
export function checkPolicy(object: CustomObject): NetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(object, policyName(object)),
    spec: {
      podSelector: { matchLabels: { [keys.checkedPlugin]: object.metadata.name } },
      policyTypes: ["Ingress", "Egress"],
    },
  };
}

export function checkName({ metadata: { name, generation } }: CustomObject): string {
  return `plugin-check-${name}-${generation ?? 0}`;
}

export function policyName({ metadata: { name } }: CustomObject): string {
  return `plugin-check-${name}`;
}

function metadata(
  { apiVersion, kind, metadata: { name, namespace, uid } }: CustomObject,
  own: string,
): ObjectMeta {
  return {
    name: own,
    ...(namespace === undefined ? {} : { namespace }),
    labels: {
      "app.kubernetes.io/name": "mailfleet-plugin-check",
      "app.kubernetes.io/managed-by": "mailfleet-operator",
      [keys.checkedPlugin]: name,
    },
    ownerReferences: [
      { apiVersion, kind, name, uid: uid ?? "", controller: true, blockOwnerDeletion: false },
    ],
  };
}
