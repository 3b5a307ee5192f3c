/**
 * The parts of a pod that only a restart can change, each with a hash, as an annotation: when a pod is to be made anew
 * they say what for. The verdict itself is the hash of all (pod.ts), so a part that is cut otherwise by a later version of
 * the operator restarts nothing.
 */
import type { PodSpec } from "#operator/kube/objects.ts";

import { hashValue } from "./hash.ts";

export type PodParts = Readonly<Record<string, string>>;

export interface PodSource {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  readonly startup: string;
  /** What people have it made anew by; null: nothing. */
  readonly restart: string | null;
}

/** So many arguments say where the configuration is; the identity comes behind them. */
const CONFIG_ARGS = 4;

export function podParts({ labels, annotations, spec, startup, restart }: PodSource): PodParts {
  const [engine, ...others] = spec.containers;
  const { image, env, resources, ports, volumeMounts, args, ...container } = engine ?? { name: "" };
  const { nodeSelector, tolerations, affinity, topologySpreadConstraints, priorityClassName, ...rest } = spec;
  const { containers: _, initContainers, volumes, ...template } = rest;
  const parts = {
    EngineImage: image,
    StartupConfig: startup,
    Environment: env,
    Resources: resources,
    Listeners: ports,
    Volumes: [
      volumes?.map(({ name, configMap: _configMap, ...volume }) => ({ name, ...volume })),
      volumeMounts,
      initContainers,
    ],
    Placement: [nodeSelector, tolerations, affinity, topologySpreadConstraints, priorityClassName],
    Metadata: [labels, annotations],
    Template: [{ ...container, args: args?.slice(0, CONFIG_ARGS) }, others, template],
    ...(restart === null ? {} : { Restart: restart }),
    ...(args !== undefined && args.length > CONFIG_ARGS ? { Identity: args.slice(CONFIG_ARGS) } : {}),
  };
  return Object.fromEntries(
    Object.entries(parts).map(([name, value]) => [name, hashValue(value).slice(0, 8)]),
  );
}

/** What of a pod is not as it should be: "EngineImage, Resources". Pods of early versions do not tell. */
export function changedParts(now: PodParts | null, wanted: PodParts): string {
  if (now === null) return "Template";
  const names = Object.keys(wanted).filter((name) => now[name] !== wanted[name]);
  return names.length === 0 ? "Template" : names.join(", ");
}

/** Null when there is none that can be read. */
export function readParts(text: string | undefined): PodParts | null {
  try {
    const value: unknown = JSON.parse((text ?? "").slice(0, 4096));
    if (typeof value !== "object" || value === null) return null;
    return Object.fromEntries(Object.entries(value).filter(([, hash]) => typeof hash === "string"));
  } catch {
    return null;
  }
}
