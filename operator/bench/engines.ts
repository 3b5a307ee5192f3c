/**
 * An engine behind every pod of the simulated nodes: one listener for all addresses, which shows the certificate of the
 * cluster that it is asked for and answers as the engine of the pod whose address was called. What it knows of pods and
 * keys it hears from the API server, as it happens.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { ports } from "#contract/runtime.ts";
import { annotations } from "#crds/group.ts";
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";
import { ObjectStore } from "#operator/cache/store.ts";
import { readAdminSecret } from "#operator/desired/admin-secret.ts";
import { adminSecretName, adminServerName } from "#operator/desired/names.ts";
import type { Kube, KubeObject, Resource } from "#operator/kube/kube.ts";
import { type Pod, resources, type Secret } from "#operator/kube/objects.ts";
import { listWatch } from "#operator/watch/list-watch.ts";

import { FakeEngine, settledStatus } from "../testing/fake-engine.ts";

const ADDRESS = "address";
const SERVER_NAME = "server name";

export class SimulatedEngines {
  readonly #pods = new ObjectStore<Pod>({ [ADDRESS]: (pod) => addressesOf(pod as Pod) });
  readonly #secrets = new ObjectStore<Secret>({ [SERVER_NAME]: serverNamesOf });
  readonly #engines = new Map<string, FakeEngine>();
  readonly #contexts = new Map<string, { readonly version: string; readonly context: SecureContext }>();
  readonly #server;
  readonly #stop = new AbortController();
  readonly #watches: Promise<unknown>;

  constructor(kube: Kube) {
    this.#server = createServer({ SNICallback: (name, answer) => answer(null, this.#contextOf(name)) });
    this.#server.on("request", (request, response) => this.#serve(request, response));
    this.#server.listen(ports.admin, "0.0.0.0");
    this.#watches = Promise.all([
      this.#follow(kube, resources.pods, this.#pods),
      this.#follow(kube, resources.secrets, this.#secrets),
    ]);
  }

  /** Pods whose engine was asked at least once. */
  get count(): number {
    return this.#engines.size;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#watches;
  }

  #follow<T extends KubeObject>(kube: Kube, resource: Resource, store: ObjectStore<T>): Promise<void> {
    const common = { clock: systemClock, random: systemRandom, log: silentLog, labelSelector: CLUSTER_LABEL };
    const onChange = (): void => undefined;
    return listWatch<T>({ kube, resource, namespace: "", store, onChange, ...common }, this.#stop.signal);
  }

  #contextOf(serverName: string): SecureContext | undefined {
    const [secret] = this.#secrets.by(SERVER_NAME, serverName);
    const keys = secret === undefined ? null : readAdminSecret(secret);
    if (secret === undefined || keys === null) return undefined;
    const { resourceVersion: version = "" } = secret.metadata;
    const known = this.#contexts.get(serverName);
    if (known?.version === version) return known.context;
    const context = createSecureContext(keys);
    this.#contexts.set(serverName, { version, context });
    return context;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [pod] = this.#pods.by(ADDRESS, request.socket.localAddress ?? "");
    if (pod === undefined) return void response.writeHead(503).end();
    this.#engineOf(pod).serve(request, response);
  }

  #engineOf(pod: Pod): FakeEngine {
    const { uid = "", namespace = "", labels, annotations: notes } = pod.metadata;
    const known = this.#engines.get(uid);
    if (known !== undefined) return known;
    const name = adminSecretName(labels?.[CLUSTER_LABEL] ?? "");
    const secret = this.#secrets.get(namespace, name);
    const token = (secret === null ? null : readAdminSecret(secret))?.token ?? "";
    const engine = new FakeEngine(token, { ...settledStatus, revision: notes?.[annotations.revision] ?? "" });
    this.#engines.set(uid, engine);
    return engine;
  }
}

function addressesOf({ status }: Pod): readonly string[] {
  return status?.podIP === undefined ? [] : [status.podIP];
}

function serverNamesOf({ metadata }: KubeObject): readonly string[] {
  const { namespace = "", name, labels } = metadata;
  const cluster = labels?.[CLUSTER_LABEL] ?? "";
  return name === adminSecretName(cluster) ? [adminServerName(cluster, namespace)] : [];
}
