/**
 * External metrics for a real HorizontalPodAutoscaler, as KEDA's adapter serves them: an API service of the API server, which
 * passes questions on to this server. What `read` rejects with is an error for the autoscaler, never a figure.
 */
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";

import { makeServerKeys } from "../../e2e/faults/server-keys.ts";
import type { Admin } from "./api-server.ts";

const GROUP = "external.metrics.k8s.io";
const API_SERVICE = `/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.${GROUP}`;

export interface Question {
  readonly namespace: string;
  readonly metric: string;
}

export class MetricsAdapter {
  questions = 0;
  readonly #admin: Admin;
  readonly #server: Server;

  private constructor(admin: Admin, server: Server) {
    this.#admin = admin;
    this.#server = server;
  }

  /** `namespace`: where its Service stands. */
  static async start(
    admin: Admin,
    namespace: string,
    read: (question: Question) => Promise<number>,
  ): Promise<MetricsAdapter> {
    const server = createServer(await makeServerKeys("127.0.0.1", null));
    const adapter = new MetricsAdapter(admin, server);
    server.on("request", (request, response) => {
      const give = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      const [, space, metric] = /\/namespaces\/([^/]+)\/([^/?]+)/.exec(request.url ?? "") ?? [];
      if (space === undefined || metric === undefined) return give(200, discovery);
      adapter.questions++;
      read({ namespace: space, metric }).then(
        (value) => give(200, listOf(metric, value)),
        (error: Error) => give(500, { kind: "Status", status: "Failure", message: error.message, code: 500 }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await adapter.#register(namespace, (server.address() as AddressInfo).port);
    return adapter;
  }

  async close(): Promise<void> {
    await this.#admin.call("DELETE", API_SERVICE);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The name "localhost" stands for a Service elsewhere: the API server itself connects to it. */
  async #register(namespace: string, port: number): Promise<void> {
    const service = { name: "metrics-adapter", namespace };
    await this.#admin.apply(`/api/v1/namespaces/${namespace}/services/metrics-adapter`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: service,
      spec: { type: "ExternalName", externalName: "localhost" },
    });
    await this.#admin.apply(API_SERVICE, {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: `v1beta1.${GROUP}` },
      spec: {
        group: GROUP,
        version: "v1beta1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { ...service, port },
      },
    });
  }
}

const discovery = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: `${GROUP}/v1beta1`,
  resources: [
    {
      name: "externalmetrics",
      singularName: "",
      namespaced: true,
      kind: "ExternalMetricValueList",
      verbs: ["get"],
    },
  ],
};

function listOf(metricName: string, value: number): unknown {
  const item = { metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: String(value) };
  return { kind: "ExternalMetricValueList", apiVersion: `${GROUP}/v1beta1`, metadata: {}, items: [item] };
}
