/** The one container that runs for the life of the pod: the engine. */
import { startupFile } from "#contract/config.ts";
import { paths, ports } from "#contract/runtime.ts";
import { containerPort } from "#crds/mail-cluster-traffic.ts";
import type { Container, EnvVar, VolumeMount } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { livenessProbe, readinessProbe, startupProbe } from "./probes.ts";
import { containerSecurity } from "./security.ts";

/** Between leaving the endpoints and the end of listening, so that no client is sent to a closed port. */
export const endpointsSettleSeconds = 5;

export function engineImage({ config, spec, operator }: Context): string {
  return config.image ?? spec.engine.image ?? operator.engineImage;
}

export function engineContainer(context: Context, slot: number, mounts: readonly VolumeMount[]): Container {
  const { spec } = context;
  const identity = context.identityOf(slot);
  return {
    name: "mta",
    image: engineImage(context),
    imagePullPolicy: spec.engine.pullPolicy,
    command: ["smtpd"],
    args: [
      "-c",
      `${paths.config}/${startupFile}`,
      "--pushed",
      paths.pushedConfig,
      ...(identity === null ? [] : ["--identity", identity]),
    ],
    ...(spec.engine.env.length === 0 ? {} : { env: spec.engine.env.map(envVar) }),
    ports: [
      ...spec.listeners.map(({ name, port }) => ({
        name,
        containerPort: containerPort(port),
        protocol: "TCP",
      })),
      { name: "monitor", containerPort: ports.monitor, protocol: "TCP" },
      { name: "admin", containerPort: ports.admin, protocol: "TCP" },
    ],
    resources: resources(context),
    volumeMounts: mounts,
    startupProbe,
    livenessProbe,
    readinessProbe,
    lifecycle: { preStop: { sleep: { seconds: endpointsSettleSeconds } } },
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

function envVar({ name, value, secretKeyRef }: Context["spec"]["engine"]["env"][number]): EnvVar {
  return secretKeyRef === undefined ? { name, value: value ?? "" } : { name, valueFrom: { secretKeyRef } };
}

function resources({ spec }: Context): NonNullable<Container["resources"]> {
  const { requests, limits } = spec.engine.resources;
  return { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) };
}
