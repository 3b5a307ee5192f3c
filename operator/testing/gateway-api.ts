/**
 * As much of the Gateway API as the operator writes: a definition of HTTPRoutes of our own, for API servers in tests. The real
 * one has more fields and stricter rules; what is not named here is kept as it comes.
 */
import type { Admin } from "./api-server.ts";

const NAME = "httproutes.gateway.networking.k8s.io";
const PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${NAME}`;

const text = { type: "string", maxLength: 253 };
const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const parent = {
  ...open,
  required: ["name"],
  properties: {
    group: { ...text, default: "gateway.networking.k8s.io" },
    kind: { ...text, default: "Gateway" },
    name: text,
    namespace: text,
    sectionName: text,
    port: { type: "integer", format: "int32" },
  },
};

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  // The API server wants a word on kinds in Kubernetes' own groups.
  metadata: { name: NAME, annotations: { "api-approved.kubernetes.io": "unapproved, of a test" } },
  spec: {
    group: "gateway.networking.k8s.io",
    scope: "Namespaced",
    names: { kind: "HTTPRoute", listKind: "HTTPRouteList", plural: "httproutes", singular: "httproute" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  parentRefs: { type: "array", items: parent },
                  hostnames: { type: "array", items: text },
                  rules: { type: "array", items: open },
                },
              },
              status: open,
            },
          },
        },
      },
    ],
  },
};

export async function serveRoutes(admin: Admin): Promise<void> {
  const { status, body } = await admin.apply(PATH, definition);
  if (status >= 300) throw new Error(String(body["message"]));
  await untilStatus(admin, 200);
}

/** With every route that there is. */
export async function removeRoutes(admin: Admin): Promise<void> {
  await admin.call("DELETE", PATH);
  await untilStatus(admin, 404);
}

async function untilStatus(admin: Admin, wanted: number): Promise<void> {
  const path = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
  for (let tries = 0; tries < 600; tries++) {
    if ((await admin.call("GET", path)).status === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`HTTPRoutes never answered ${wanted}`);
}
