import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { mailClusterConditions } from "#crds/conditions.ts";
import type { Condition, Deployment, HttpRoute } from "#operator/kube/objects.ts";

import { aSpec } from "../../testing/builders.ts";
import type { Judged, WebView } from "./judged.ts";
import { webAdminReady } from "./web-admin-ready.ts";

type Status = NonNullable<Deployment["status"]>;

const well: Status = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const rolledOut: Condition = { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" };

function aDeployment(status?: Status): Deployment {
  const metadata = { name: "outbound-web", generation: 2 };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, status } as unknown as Deployment;
}

function verdict(web: Partial<WebView> | null, change: Partial<Judged> = {}): string | null {
  const spec = aSpec({ webAdmin: { enabled: true, replicas: 2 } });
  const view =
    web === null ? null : { image: "web:test", deployment: null, route: null, hasOrdersPolicy: true, ...web };
  const said = webAdminReady({ spec, refused: [], web: view, ...change } as unknown as Judged);
  if (said === null) return null;
  assert.ok(Object.keys(mailClusterConditions.WebAdminReady.reasons).includes(said.reason));
  return `${said.status} ${said.reason}: ${said.message}`;
}

const of = (status?: Status): string | null => verdict({ deployment: aDeployment(status) });

describe("WebAdminReady", () => {
  test("is absent where no web administration is wanted", () => assert.equal(verdict(null), null));

  test("is true when all pods run the wanted version and are ready", () => {
    assert.equal(of(well), "True Ready: 2 of 2 pods are ready");
    assert.equal(of({ ...well, conditions: [rolledOut] }), "True Ready: 2 of 2 pods are ready");
  });

  test("is under way while pods come, and while those of the version before are there", () => {
    assert.equal(verdict({}), "False Progressing: its Deployment is being made");
    assert.equal(of(undefined), "False Progressing: 0 of 2 pods are ready");
    assert.equal(of({ ...well, availableReplicas: 1 }), "False Progressing: 1 of 2 pods are ready");
    assert.equal(of({ ...well, replicas: 3 }), "False Progressing: 2 of 2 pods are ready");
    assert.equal(
      of({ ...well, observedGeneration: 1, conditions: [rolledOut] }),
      "False Progressing: 0 of 2 pods are ready",
    );
  });

  test("has Kubernetes' words for pods that do not come", () => {
    const late = {
      type: "Progressing",
      status: "False",
      reason: "ProgressDeadlineExceeded",
      message: "timed out",
    } as const;
    assert.equal(
      of({ ...well, availableReplicas: 0, conditions: [late] }),
      "False NotReady: 0 of 2 pods are ready; ProgressDeadlineExceeded: timed out",
    );
    const refused = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: "quota",
    } as const;
    assert.match(
      of({ conditions: [rolledOut, refused], observedGeneration: 2 }) ?? "",
      /NotReady.*FailedCreate: quota$/,
    );
    const gone = of({ ...well, availableReplicas: 0, conditions: [rolledOut] });
    assert.equal(gone, "False NotReady: 0 of 2 pods are ready; no pod is ready any more");
    assert.match(
      of({ ...well, availableReplicas: 1, conditions: [rolledOut] }) ?? "",
      /^False Progressing: 1 of 2/,
    );
  });

  test("has the API server's words for a Deployment that is refused", () => {
    const refused = [{ kind: "apply", slot: null, message: "apply deployments: 403 no" }] as const;
    assert.equal(verdict({}, { refused }), "False NotReady: apply deployments: 403 no");
  });

  test("refuses orders of roll-outs where nothing holds the pages to them", () => {
    const deployment = aDeployment(well);
    const asked = aSpec({ webAdmin: { enabled: true, replicas: 2, rolloutOrders: true } });
    const of = (spec: Judged["spec"], hasOrdersPolicy: boolean): string =>
      verdict({ deployment, hasOrdersPolicy }, { spec }) ?? "";
    assert.match(of(asked, false), /^False OrdersUnguarded: .*rolloutOrdersPolicy\.enabled/);
    assert.match(of(asked, true), /^True Ready/);
    assert.match(of(aSpec({ webAdmin: { enabled: true, replicas: 2 } }), false), /^True Ready/);
  });

  test("says what is missing for a route, and what a Gateway has against it", () => {
    const httpRoute = { parentRefs: [{ name: "edge" }], hostnames: ["mail.example.org"] };
    const spec = aSpec({ webAdmin: { enabled: true, replicas: 2, httpRoute } });
    const deployment = aDeployment(well);
    const routed = (route: WebView["route"]): string => verdict({ deployment, route }, { spec }) ?? "";
    assert.match(routed("not-served"), /^False RouteNotServed: .*gateway\.networking\.k8s\.io\/v1.*install/);
    const accepted = (status: string, reason: string): HttpRoute =>
      ({
        status: {
          parents: [
            {
              parentRef: { name: "edge" },
              conditions: [{ type: "Accepted", status, reason, message: "no" }],
            },
          ],
        },
      }) as unknown as HttpRoute;
    assert.equal(
      routed(accepted("False", "NotAllowedByListeners")),
      "False RouteRefused: Gateway edge: NotAllowedByListeners: no",
    );
    assert.match(routed(accepted("True", "Accepted")), /^True Ready/);
    assert.match(routed(null), /^True Ready/);
    assert.match(verdict({ deployment, route: "not-served" }) ?? "", /^True Ready/);
  });

  test("tells when nobody said which image to run, and when no pod is wanted", () => {
    assert.match(verdict({ image: "" }) ?? "", /^False ImageUnknown: set webAdmin\.image, or .*--web-image/);
    const spec = aSpec({ webAdmin: { enabled: true, replicas: 0 } });
    assert.match(verdict({ deployment: aDeployment() }, { spec }) ?? "", /^True NoPodsWanted/);
  });
});
