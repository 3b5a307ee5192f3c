/**
 * Stands in for nodes behind a real API server that has none: each pod gets an address on the loopback, a fake engine behind
 * it, and a status that says ready. Deleting is the API server's: it takes a pod without a node away at once.
 */
import { annotations } from "#crds/group.ts";
import { readAdminSecret } from "#operator/desired/admin-secret.ts";
import { adminSecretName } from "#operator/desired/names.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { type Pod, resources, type Secret } from "#operator/kube/objects.ts";

import { FakeEngine } from "./fake-engine.ts";

export class LiveNode {
  readonly #kube: Kube;
  readonly #namespace: string;
  readonly #engines = new Map<string, FakeEngine>();
  /** All engines listen on the same port of different addresses. */
  port: number;
  readonly #network: string;
  /** Called before anybody can know the engine's address. */
  onStart: (pod: Pod, engine: FakeEngine) => void = () => undefined;
  #next = 0;

  /** `network`: the first three numbers of the loopback addresses; who runs beside others takes one of its own. */
  constructor(kube: Kube, namespace: string, port: number, network = "127.77.0") {
    this.#kube = kube;
    this.#namespace = namespace;
    this.port = port;
    this.#network = network;
  }

  engineOf(pod: Pod): FakeEngine | null {
    return this.#engines.get(pod.metadata.uid ?? "") ?? null;
  }

  async turn(): Promise<void> {
    const { items } = await this.#kube.list<Pod>(resources.pods, { namespace: this.#namespace });
    for (const pod of items) if (pod.status?.podIP === undefined) await this.#run(pod);
    const uids = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [uid, engine] of this.#engines) {
      if (uids.has(uid)) continue;
      this.#engines.delete(uid);
      await engine.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#engines.values()].map((engine) => engine.close()));
  }

  #nextAddress(): string {
    const [first, second, third] = this.#network.split(".").map(Number);
    const at = this.#next++;
    return `${first}.${second}.${(third ?? 0) + Math.floor(at / 250)}.${1 + (at % 250)}`;
  }

  async #run(pod: Pod): Promise<void> {
    const cluster = pod.metadata.labels?.["mailfleet.io/cluster"] ?? "";
    const secret = await this.#kube.get<Secret>({
      resource: resources.secrets,
      namespace: this.#namespace,
      name: adminSecretName(cluster),
    });
    const keys = secret === null ? null : readAdminSecret(secret);
    if (keys === null) return;
    const host = this.#nextAddress();
    const status = { revision: pod.metadata.annotations?.[annotations.revision] ?? "" };
    const engine = await FakeEngine.start({ host, port: this.port, ...keys, status });
    this.#engines.set(pod.metadata.uid ?? "", engine);
    this.onStart(pod, engine);
    const conditions = [{ type: "Ready", status: "True" }] as const;
    await this.#kube.applyStatus<Pod>(resources.pods, {
      ...pod,
      status: { phase: "Running", podIP: host, podIPs: [{ ip: host }], conditions },
    });
  }
}
