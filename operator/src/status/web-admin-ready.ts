/**
 * WebAdminReady (pure): the pods of the web administration, as their Deployment tells, and the way to them. Null where none is wanted: the
 * condition is absent then. It is no part of Ready, since mail goes on without the pages.
 */
import type { Condition, Deployment, HttpRoute } from "#operator/kube/objects.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

type Verdict = VerdictOn<"WebAdminReady">;

export function webAdminReady({ spec, web, refused }: Judged): Verdict | null {
  if (web === null) return null;
  const { replicas } = spec.webAdmin;
  if (web.image === "")
    return no("ImageUnknown", "set webAdmin.image, or start the operator with --web-image");
  const route = spec.webAdmin.httpRoute === undefined ? null : ofRoute(web.route);
  if (route !== null) return route;
  if (spec.webAdmin.rolloutOrders && !web.hasOrdersPolicy) return no("OrdersUnguarded", UNGUARDED);
  if (web.deployment === null) {
    const words = refused.filter(({ kind }) => kind === "apply").map(({ message }) => message);
    return words.length > 0
      ? no("NotReady", listed(words))
      : no("Progressing", "its Deployment is being made");
  }
  if (replicas === 0) return { status: "True", reason: "NoPodsWanted", message: "webAdmin.replicas is 0" };
  return ofPods(web.deployment, replicas);
}

/** Null: nothing is wrong with it, as far as Gateways say. */
function ofRoute(route: HttpRoute | "not-served" | null): Verdict | null {
  if (route === "not-served") return no("RouteNotServed", NOT_SERVED);
  const refusals = (route?.status?.parents ?? []).flatMap(({ parentRef, conditions = [] }) =>
    conditions
      .filter(({ type, status }) => ROUTE_CONDITIONS.has(type) && status === "False")
      .map((condition) => `Gateway ${parentRef.name}: ${wordsOf(condition)}`),
  );
  return refusals.length === 0 ? null : no("RouteRefused", listed(refusals));
}

const NOT_SERVED =
  "webAdmin.httpRoute needs HTTPRoutes of gateway.networking.k8s.io/v1, which the API server does not serve to the operator: install the definitions of the Gateway API, and the operator's rights of this version, or use webAdmin.ingress";
const UNGUARDED =
  "webAdmin.rolloutOrders gives no rights, since the operator knows of no policy that holds the pages to orders: install the chart with rolloutOrdersPolicy.enabled, or with rolloutOrdersPolicy.isThere where another release has brought it, or leave rolloutOrders off";
/** Of the Gateway API: what a Gateway makes of a route. */
const ROUTE_CONDITIONS: ReadonlySet<string> = new Set(["Accepted", "ResolvedRefs"]);

function ofPods(deployment: Deployment, wanted: number): Verdict {
  const { status = {}, metadata } = deployment;
  const { updatedReplicas: updated = 0, replicas = 0, availableReplicas = 0 } = status;
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  // Pods of the version before answer for those that are missing, but are not what is wanted.
  const ready = isSeen ? Math.min(updated, availableReplicas, wanted) : 0;
  const figures = `${ready} of ${wanted} pods are ready`;
  if (isSeen && ready === wanted && replicas === updated)
    return { status: "True", reason: "Ready", message: figures };
  const failure = isSeen ? failureIn(status.conditions ?? [], availableReplicas) : null;
  if (failure !== null) return no("NotReady", `${figures}; ${failure}`);
  return no("Progressing", figures);
}

/** Kubernetes' words for pods that cannot be made or took too long; or that the last one has gone. */
function failureIn(conditions: readonly Condition[], available: number): string | null {
  const find = (type: string): Condition | undefined => conditions.find((each) => each.type === type);
  const refusal = find("ReplicaFailure");
  if (refusal?.status === "True") return wordsOf(refusal);
  const progress = find("Progressing");
  if (progress?.status === "False") return wordsOf(progress);
  // The Deployment counts as rolled out, so pods have been ready. While one is, others may come and go.
  if (progress?.reason !== "NewReplicaSetAvailable" || available > 0) return null;
  return "no pod is ready any more";
}

function wordsOf({ reason, message }: Condition): string {
  return [reason, message].filter((text) => text !== undefined && text !== "").join(": ");
}

function no(reason: Exclude<Verdict["reason"], "Ready" | "NoPodsWanted">, message: string): Verdict {
  return { status: "False", reason, message };
}
