/**
 * The writes of one pass for one cluster: each is made only when something differs, noted as an expectation, and refused
 * once the pass is over. Deletes look at the live object first and carry its uid and version, so an object that has
 * changed or been made anew since it was judged is left alone (KubeFailure "conflict": the next pass judges again).
 */
import type { Key } from "#operator/cache/key.ts";
import { keyText } from "#operator/cache/key.ts";
import { fenced } from "#operator/kube/fenced.ts";
import { KubeFailure } from "#operator/kube/errors.ts";
import type { Kube, KubeObject, Resource } from "#operator/kube/kube.ts";

import { differs, stamped } from "./differs.ts";
import { isOurs } from "./ownership.ts";
import type { Tools } from "./tools.ts";

type WriterTools = Pick<Tools, "kube" | "expectations" | "log">;

export class Writer {
  readonly kube: Kube;
  readonly #owner: string;
  readonly #cluster: string;
  readonly #tools: WriterTools;
  readonly #signal: AbortSignal;

  /** `owner` names who waits for these writes to be seen. */
  constructor(tools: WriterTools, cluster: Key, signal: AbortSignal, owner = keyText(cluster)) {
    this.kube = fenced(tools.kube, signal);
    this.#owner = owner;
    this.#cluster = cluster.name;
    this.#tools = tools;
    this.#signal = signal;
  }

  /** Throws why the pass is over, if it is: what it would note from now on is out of date. */
  refuseWhenOver(): void {
    this.#signal.throwIfAborted();
  }

  /** `cached` is what the cache holds under that name. */
  async apply(resource: Resource, wanted: KubeObject, cached: KubeObject | null): Promise<void> {
    const object = stamped(wanted);
    if (!differs(cached, object)) return;
    if (cached === null) await this.#refuseTakenName(resource, object);
    this.#wrote(resource, await this.kube.apply(resource, object), "apply");
  }

  async create(resource: Resource, object: KubeObject): Promise<void> {
    this.#wrote(resource, await this.kube.create(resource, object), "create");
  }

  async applyStatus(resource: Resource, object: KubeObject): Promise<void> {
    this.#wrote(resource, await this.kube.applyStatus(resource, object), "status");
  }

  async patchFinalizers(
    resource: Resource,
    object: KubeObject,
    finalizers: readonly string[],
  ): Promise<void> {
    const { namespace = "", name, uid, resourceVersion } = object.metadata;
    await this.kube.patchMetadata({ resource, namespace, name }, { finalizers, uid, resourceVersion });
    this.#said("finalizers", resource, name);
  }

  /** Null takes one away. */
  async patchAnnotations(
    resource: Resource,
    object: KubeObject,
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const { namespace = "", name, uid, resourceVersion } = object.metadata;
    await this.kube.patchMetadata({ resource, namespace, name }, { annotations, uid, resourceVersion });
    this.#said("annotations", resource, name);
  }

  /** On this very object, whatever else has changed in it. */
  async annotate(
    resource: Resource,
    object: KubeObject,
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const { namespace = "", name, uid } = object.metadata;
    await this.kube.patchMetadata({ resource, namespace, name }, { annotations, uid });
    this.#said("annotations", resource, name);
  }

  /**
   * False when there is nothing to delete any more. `stillHolds` judges the live object: false leaves it alone and
   * answers false too.
   */
  async delete<T extends KubeObject>(
    resource: Resource,
    judged: KubeObject,
    stillHolds: (live: T) => boolean = () => true,
  ): Promise<boolean> {
    const { namespace = "", name, uid = "" } = judged.metadata;
    const ref = { resource, namespace, name };
    const live = await this.kube.get<T>(ref);
    if (live === null || live.metadata.uid !== uid || !stillHolds(live)) return false;
    if (live.metadata.deletionTimestamp !== undefined) return false;
    const { resourceVersion = "" } = live.metadata;
    const wasThere = await this.kube.delete(ref, { uid, resourceVersion });
    if (wasThere) {
      this.#tools.expectations.deleted(this.#owner, resource, live);
      this.#said("delete", resource, name);
    }
    return wasThere;
  }

  /** The cache shows our own objects only: what is not in there may be somebody else's. */
  async #refuseTakenName(resource: Resource, object: KubeObject): Promise<void> {
    const { namespace = "", name } = object.metadata;
    const live = await this.kube.get({ resource, namespace, name });
    if (live === null || isOurs(live, this.#cluster)) return;
    const message = `${resource.kind} "${name}" is there already and is not of this MailCluster: remove or rename it`;
    throw new KubeFailure("already-exists", message);
  }

  #wrote(resource: Resource, stored: KubeObject, verb: string): void {
    this.#tools.expectations.wrote(this.#owner, resource, stored);
    this.#said(verb, resource, stored.metadata.name);
  }

  #said(verb: string, resource: Resource, name: string): void {
    this.#tools.log.debug({ cluster: this.#owner, kind: resource.kind, name, verb }, "write");
  }
}
