/**
 * What KEDA is told about a MailCluster (pure). A ScaledObject names the cluster and the figure in its trigger's
 * metadata:
 *
 *   metadata: { scalerAddress: "mailfleet-keda.mailfleet-system:6000", cluster: outbound,
 *               metric: dueMessages|oldestDueSeconds|sessions, target: "1000" }
 *
 * `cluster` defaults to the name of the ScaledObject: KEDA does not tell that of the scale target. What cannot be
 * answered throws a ScalerError with a gRPC status; a figure that cannot be read is an error, never zero, so KEDA
 * falls back or holds instead of shrinking.
 */
import { status } from "@grpc/grpc-js";

import type { MetricSpec, MetricValue, ScaledObjectRef } from "./protocol.ts";

/** Sums over all pods that hold mail; null while at least one of them is unknown. */
export interface ClusterFigures {
  readonly dueMessages: number;
  readonly oldestDueSeconds: number;
  readonly sessions: number;
}

export interface FigureSource {
  /** `unknown`: some pod does not tell. `absent`: there is no such cluster. */
  figuresOf(namespace: string, name: string): ClusterFigures | "unknown" | "absent";
}

export class ScalerError extends Error {
  override readonly name = "ScalerError";
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

const METRICS = ["dueMessages", "oldestDueSeconds", "sessions"] as const;
type Metric = (typeof METRICS)[number];
const DEFAULT_TARGETS: Readonly<Record<Metric, number>> = {
  dueMessages: 1000,
  oldestDueSeconds: 60,
  sessions: 500,
};

/** Anything due, or any client connected, wakes a cluster that was scaled to zero. */
export function isActive(source: FigureSource, ref: ScaledObjectRef): boolean {
  const { dueMessages, sessions } = readFigures(source, ref);
  return dueMessages > 0 || sessions > 0;
}

export function metricSpec(ref: ScaledObjectRef): MetricSpec {
  const metric = metricOf(ref);
  const target = targetOf(ref, metric);
  return { metricName: metric, targetSize: Math.max(1, Math.round(target)), targetSizeFloat: target };
}

export function metricValue(source: FigureSource, ref: ScaledObjectRef, name: string): MetricValue {
  const metric = metricOf(ref);
  // KEDA hands back the name from the spec, with a prefix of its own in some versions.
  if (name !== "" && !name.endsWith(metric)) {
    throw new ScalerError(status.INVALID_ARGUMENT, `metric "${name}" is not "${metric}" of this trigger`);
  }
  const value = readFigures(source, ref)[metric];
  return { metricName: name === "" ? metric : name, metricValue: Math.round(value), metricValueFloat: value };
}

function readFigures(source: FigureSource, ref: ScaledObjectRef): ClusterFigures {
  const name = ref.scalerMetadata["cluster"] ?? ref.name;
  const figures = source.figuresOf(ref.namespace, name);
  if (figures === "absent") {
    throw new ScalerError(
      status.NOT_FOUND,
      `there is no MailCluster ${ref.namespace}/${name}; set "cluster" in the trigger's metadata`,
    );
  }
  if (figures === "unknown") {
    throw new ScalerError(
      status.UNAVAILABLE,
      `MailCluster ${ref.namespace}/${name}: a pod does not tell its figures`,
    );
  }
  return figures;
}

function metricOf(ref: ScaledObjectRef): Metric {
  const wanted = ref.scalerMetadata["metric"] ?? "dueMessages";
  const found = METRICS.find((metric) => metric === wanted);
  if (found !== undefined) return found;
  throw new ScalerError(status.INVALID_ARGUMENT, `metric "${wanted}" is none of ${METRICS.join(", ")}`);
}

function targetOf(ref: ScaledObjectRef, metric: Metric): number {
  const text = ref.scalerMetadata["target"];
  if (text === undefined) return DEFAULT_TARGETS[metric];
  const target = Number(text);
  if (Number.isFinite(target) && target > 0) return target;
  throw new ScalerError(status.INVALID_ARGUMENT, `target "${text}" is not a number above zero`);
}
