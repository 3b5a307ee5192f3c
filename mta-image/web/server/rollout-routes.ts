/**
 * Roll-outs as the MailCluster tells and takes them. An order is one annotation, written only while the object is the one
 * that its giver saw. Holding one and letting it go on is for operators; ending it either way is for admins.
 */
import type { Role, RolloutOrder } from "#web/shared/web-api.ts";
import { RolloutRequest, RolloutView } from "#web/shared/web-api.ts";

import type { EngineAnswer } from "./engine-client.ts";
import type { ClusterView, MailCluster } from "./mail-cluster.ts";
import { Refusal, type Route, route } from "./route.ts";

const OFF =
  "roll-outs are not ordered from here: this server does not run in Kubernetes, or webAdmin.rolloutOrders is off";

const orders: Readonly<Record<RolloutOrder, { readonly role: Role; readonly summary: string }>> = {
  pause: { role: "operator", summary: "Leave the roll-out where it is" },
  resume: { role: "operator", summary: "Take back the word that was given, so that it goes on" },
  promote: { role: "admin", summary: "The revision that is tried out goes to all engines" },
  rollback: { role: "admin", summary: "All engines go back to the last good revision" },
};

export function rolloutRoutes(cluster: MailCluster | null): readonly Route[] {
  const names = Object.keys(orders) as RolloutOrder[];
  return [look(cluster), ...names.map((order) => give(order, cluster))];
}

function look(cluster: MailCluster | null): Route {
  return route({
    method: "GET",
    path: "/rollout",
    name: "rollout",
    summary: "How far the roll-out is, as the MailCluster says",
    role: "viewer",
    answer: RolloutView,
    handle: async (): Promise<RolloutView> => {
      if (cluster === null) return { cluster: null, failure: { code: "off", message: OFF } };
      const answer = await cluster.look();
      if (answer.ok) return { cluster: answer.value, failure: null };
      return { cluster: null, failure: { code: "kubernetes", message: answer.reason } };
    },
  });
}

function give(order: RolloutOrder, cluster: MailCluster | null): Route {
  const { role, summary } = orders[order];
  return route({
    method: "POST",
    path: `/rollout/${order}`,
    name: `rollout.${order}`,
    summary,
    role,
    body: RolloutRequest,
    answer: RolloutView,
    detail: ({ resourceVersion }) => `seen at version ${resourceVersion}`,
    result: ({ cluster: after }) =>
      `${after?.namespace}/${after?.name}: mailfleet.io/rollout is ${after?.word ?? "absent"}`,
    handle: async ({ body }) => {
      if (cluster === null) throw new Refusal(409, "no-orders", OFF);
      return { cluster: taken(await cluster.order(order, body.resourceVersion)), failure: null };
    },
  });
}

/** What the API server did not take, in its own words. */
function taken(answer: EngineAnswer<ClusterView>): ClusterView {
  if (answer.ok) return answer.value;
  const { kind, status, reason } = answer;
  if (kind === "silent")
    throw new Refusal(
      502,
      "kubernetes-silent",
      `Kubernetes: ${reason}; the order may have been taken or not`,
    );
  if (status === 409)
    throw new Refusal(
      409,
      "changed",
      "the MailCluster has changed meanwhile; look at it again, then give the order",
    );
  throw new Refusal(status === 422 ? 422 : 403, "kubernetes-refused", `Kubernetes refuses it: ${reason}`);
}
