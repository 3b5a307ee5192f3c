/**
 * The one MailCluster that this server belongs to, at the API server: what it says of its roll-out, and the annotation
 * that orders one. Rights, and what a patch may change, are the API server's to judge; its refusals come back as sentences.
 * Token and authority are read at each call, since Kubernetes changes them. Never rejects.
 */
import { z } from "zod";

import type { RolloutOrder, RolloutView } from "#web/shared/web-api.ts";

import { type EngineAnswer, EngineClient } from "./engine-client.ts";

export interface ClusterPlace {
  /** Of the API server. */
  readonly url: string;
  readonly name: string;
  readonly namespace: string;
  readonly tokenfile: string;
  readonly ca: string;
}

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANNOTATION = "mailfleet.io/rollout";
const PAUSED = "mailfleet.io/paused";
const TIMEOUT_MS = 5_000;
const longest = 4096;

/** What the operator gives the pods that may order roll-outs; null: not all of it is there. */
export function clusterOf(env: Readonly<Record<string, string | undefined>>): ClusterPlace | null {
  const name = env["MAILFLEET_CLUSTER_NAME"] ?? "";
  const namespace = env["MAILFLEET_CLUSTER_NAMESPACE"] ?? "";
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  if (name === "" || namespace === "" || host === "") return null;
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { url, name, namespace, tokenfile: `${ACCOUNT}/token`, ca: `${ACCOUNT}/ca.crt` };
}

const text = z.string().max(longest).optional();
const Answer = z.object({
  metadata: z.object({
    resourceVersion: z.string().max(64),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  status: z
    .object({
      revision: z.object({ target: text, lastGood: text }).optional(),
      rollout: z.object({ phase: text, since: text, message: text }).optional(),
    })
    .optional(),
});

export type ClusterView = NonNullable<RolloutView["cluster"]>;

export class MailCluster {
  readonly #place: ClusterPlace;
  readonly #client: EngineClient;

  constructor(place: ClusterPlace) {
    this.#place = place;
    this.#client = new EngineClient(place, TIMEOUT_MS);
  }

  async look(): Promise<EngineAnswer<ClusterView>> {
    return this.#call({ method: "GET" });
  }

  /** Refused with 409 where the object is not of this version any more. */
  async order(order: RolloutOrder, resourceVersion: string): Promise<EngineAnswer<ClusterView>> {
    const word = order === "resume" ? null : order;
    return this.#call({
      method: "PATCH",
      type: "application/merge-patch+json",
      body: { metadata: { resourceVersion, annotations: { [ANNOTATION]: word } } },
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #call(what: {
    readonly method: "GET" | "PATCH";
    readonly type?: string;
    readonly body?: object;
  }): Promise<EngineAnswer<ClusterView>> {
    const { name, namespace, url } = this.#place;
    const place = `namespaces/${encodeURIComponent(namespace)}/mailclusters/${encodeURIComponent(name)}`;
    const path = `/apis/mailfleet.io/v1alpha1/${place}`;
    const answer = await this.#client.call({ name: "kubernetes", url }, { ...what, path, answer: Answer });
    return answer.ok ? { ok: true, value: viewOf(this.#place, answer.value) } : answer;
  }
}

function viewOf(
  { name, namespace }: ClusterPlace,
  { metadata, status }: z.infer<typeof Answer>,
): ClusterView {
  const { resourceVersion, annotations = {} } = metadata;
  return {
    name,
    namespace,
    resourceVersion,
    word: annotations[ANNOTATION] ?? null,
    isPaused: annotations[PAUSED] === "true",
    target: status?.revision?.target ?? null,
    lastGood: status?.revision?.lastGood ?? null,
    phase: status?.rollout?.phase ?? null,
    since: status?.rollout?.since ?? null,
    message: status?.rollout?.message ?? null,
  };
}
