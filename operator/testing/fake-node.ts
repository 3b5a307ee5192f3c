/**
 * The part of a cluster that the fake API server leaves out: claims are bound, pods run and become ready with an engine behind
 * their address, deleted pods and claims go. Each `turn` takes every object one step further, as a busy node would.
 */
import { appFile } from "#contract/config.ts";
import { annotations, labels } from "#crds/group.ts";
import { configVolume } from "#operator/desired/volumes.ts";
import type { KubeNode } from "#operator/kube/node-object.ts";
import { type ConfigMap, type PersistentVolumeClaim, type Pod, resources } from "#operator/kube/objects.ts";

import type { FakeKube } from "./fake-kube.ts";
import type { MemoryEngines } from "./memory-engines.ts";

export class FakeNode {
  readonly #kube: FakeKube;
  readonly #engines: MemoryEngines;
  readonly #addresses = new Map<string, string>();
  /** Pods that never become ready, by name. */
  readonly broken = new Set<string>();
  /** Images that cannot be had. */
  readonly badImages = new Set<string>();
  /** Nodes that pods are put on, the first first; none: pods run nowhere in particular. See `addNode`. */
  readonly usable: string[] = [];
  /** Nodes that do nothing any more, whatever they are told. */
  readonly lost = new Set<string>();
  /** What the program that checks a plugin leaves behind, by plugin; null: it has not ended. */
  checkOf: (plugin: string) => string | null = () => null;
  /** What the node resolves the image of a plugin to, as of the feature gate ImageVolumeWithDigest; "": it does not tell. */
  imageRefOf: (plugin: string) => string = () => "";
  #next = 1;

  constructor(kube: FakeKube, engines: MemoryEngines) {
    this.#kube = kube;
    this.#engines = engines;
  }

  addressOf(pod: string): string {
    const found = this.#kube.peekAll<Pod>(resources.pods).find(({ metadata }) => metadata.name === pod);
    return found?.status?.podIP ?? "";
  }

  addNode(name: string, address = "10.9.0.1"): void {
    this.usable.push(name);
    this.#kube.seed(resources.nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address }],
      },
    } as KubeNode);
  }

  /** As `kubectl cordon` does. */
  cordon(name: string): void {
    this.usable.splice(this.usable.indexOf(name), 1);
    this.#kube.edit<KubeNode>(resources.nodes, "", name, (copy) => {
      Object.assign(copy, { spec: { unschedulable: true } });
    });
  }

  /** It falls silent: what runs there goes on for all that anybody knows. */
  lose(name: string): void {
    this.usable.splice(this.usable.indexOf(name), 1);
    this.lost.add(name);
    this.#kube.setStatus(resources.nodes, "", name, { conditions: [{ type: "Ready", status: "Unknown" }] });
  }

  turn(): void {
    for (const pod of this.#kube.peekAll<Pod>(resources.pods)) this.#turnPod(pod);
    for (const claim of this.#kube.peekAll<PersistentVolumeClaim>(resources.claims)) this.#turnClaim(claim);
    this.#kube.storage.collectGarbage();
  }

  #turnPod(pod: Pod): void {
    const { name, namespace = "", uid = "" } = pod.metadata;
    if (this.lost.has(pod.spec.nodeName ?? "")) return this.#silence(pod);
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#engines.byIp.delete(pod.status?.podIP ?? "");
      this.#kube.finish(resources.pods, namespace, name);
      return;
    }
    const plugin = pod.metadata.labels?.[labels.checkedPlugin];
    if (plugin !== undefined) return this.#check(pod, plugin);
    if (pod.status?.phase === "Running" || this.broken.has(name)) return;
    if (pod.spec.containers.some(({ image }) => this.badImages.has(image))) return this.#failPull(pod);
    const [node] = this.usable;
    if (node !== undefined) {
      this.#kube.edit<Pod>(resources.pods, namespace, name, (copy) => {
        Object.assign(copy.spec, { nodeName: node });
      });
    }
    const ip = this.#addresses.get(uid) ?? `10.0.0.${this.#next++}`;
    this.#addresses.set(uid, ip);
    this.#engines.start(ip, pod.metadata.annotations?.[annotations.revision] ?? "", this.#appOf(pod));
    this.#kube.setStatus(resources.pods, namespace, name, {
      phase: "Running",
      podIP: ip,
      conditions: [{ type: "Ready", status: "True" }],
    });
  }

  #failPull({ metadata }: Pod): void {
    const { name, namespace = "" } = metadata;
    const waiting = { reason: "ImagePullBackOff" };
    this.#kube.setStatus(resources.pods, namespace, name, {
      phase: "Pending",
      containerStatuses: [{ name: "mta", state: { waiting } }],
    });
  }

  #check({ metadata, spec }: Pod, plugin: string): void {
    const message = this.checkOf(plugin);
    if (message === null) return;
    const [{ name } = { name: "" }] = spec.containers;
    const terminated = { exitCode: message === "" ? 139 : 0, message };
    const volumeStatus = { image: { imageRef: this.imageRefOf(plugin) } };
    const container = {
      ...{ name, state: { terminated } },
      volumeMounts: [{ name: `plugin-${plugin}`, volumeStatus }],
    };
    this.#kube.setStatus(resources.pods, metadata.namespace ?? "", metadata.name, {
      phase: message === "" ? "Failed" : "Succeeded",
      containerStatuses: [container],
    });
  }

  #silence({ metadata, status }: Pod): void {
    const { name, namespace = "" } = metadata;
    this.#engines.silent.add(status?.podIP ?? "");
    const conditions = [{ type: "Ready", status: "False" }];
    this.#kube.setStatus(resources.pods, namespace, name, { ...status, conditions });
  }

  /** The file that the engine starts with. */
  #appOf({ metadata, spec }: Pod): string {
    const name = spec.volumes?.find((volume) => volume.name === configVolume)?.configMap?.name ?? "";
    const map = this.#kube.peek<ConfigMap>(resources.configMaps, metadata.namespace ?? "", name);
    return map?.data?.[appFile] ?? "";
  }

  #turnClaim(claim: PersistentVolumeClaim): void {
    const { name, namespace = "" } = claim.metadata;
    if (claim.metadata.deletionTimestamp !== undefined) {
      const isUsed = this.#kube.peek(resources.pods, namespace, name) !== null;
      if (!isUsed) this.#kube.finish(resources.claims, namespace, name);
      return;
    }
    if (claim.status?.phase !== "Bound") {
      this.#kube.setStatus(resources.claims, namespace, name, { phase: "Bound" });
    }
  }
}
