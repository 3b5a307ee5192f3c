/** Many MailClusters of one pod each, and one of many pods: makes them, changes them, waits until they are settled. */
import { setTimeout as wait } from "node:timers/promises";

import type { Kube } from "#operator/kube/kube.ts";
import { type CustomObject, resources } from "#operator/kube/objects.ts";

import type { Admin } from "../testing/api-server.ts";
import { app } from "../testing/whole.ts";

const SPACES = 5;
const AT_ONCE = 8;
const LARGE = "large";
const PATIENCE_SECONDS = 900;
/** A look lists all clusters: often would be load of its own. */
const LOOK_MS = 3000;
const SAID_EVERY = 5;

type Name = readonly [namespace: string, name: string];

interface View {
  readonly observedGeneration?: number;
  readonly readyReplicas?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

export class Fleet {
  readonly namespaces: readonly string[] = [
    ...Array.from({ length: SPACES }, (_, at) => `fleet-${at}`),
    LARGE,
  ];
  readonly #admin: Admin;
  readonly #kube: Kube;

  constructor(admin: Admin, kube: Kube) {
    this.#admin = admin;
    this.#kube = kube;
  }

  nameOf(at: number): Name {
    return [`fleet-${at % SPACES}`, `out-${at}`];
  }

  async create(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, at) => at);
    const work = async (): Promise<void> => {
      for (let at = numbers.pop(); at !== undefined; at = numbers.pop())
        await this.#apply(this.nameOf(at), { replicas: 1 });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  createLarge(replicas: number): Promise<void> {
    return this.#apply([LARGE, "large"], { replicas });
  }

  /** Something that one child is written for. */
  edit(name: Name, at: number): Promise<void> {
    return this.#apply(name, { replicas: 1, service: { annotations: { "bench.example/edit": String(at) } } });
  }

  async untilSettled(count: number, say: (line: string) => void): Promise<void> {
    await this.#until(async (tries) => {
      const settled = await this.#settled("");
      if (tries % SAID_EVERY === 0) say(`  ${settled} of ${count} settled`);
      return settled >= count;
    });
  }

  async untilLarge(pods: number, say: (line: string) => void): Promise<void> {
    await this.#until(async (tries) => {
      const cluster = await this.#kube.get<CustomObject>({
        resource: resources.mailClusters,
        namespace: LARGE,
        name: "large",
      });
      const { readyReplicas = 0 } = (cluster?.status ?? {}) as View;
      if (tries % SAID_EVERY === 0) say(`  ${readyReplicas} of ${pods} pods ready`);
      return readyReplicas === pods && (await this.#settled(LARGE)) === 1;
    });
  }

  async #until(isTrue: (tries: number) => Promise<boolean>): Promise<void> {
    const end = performance.now() + PATIENCE_SECONDS * 1000;
    for (let tries = 0; performance.now() < end; tries++) {
      if (await isTrue(tries)) return;
      await wait(LOOK_MS);
    }
    throw new Error("the clusters do not settle");
  }

  async #settled(namespace: string): Promise<number> {
    let settled = 0;
    let continueToken: string | null = null;
    do {
      const page: Awaited<ReturnType<Kube["list"]>> = await this.#kube.list(resources.mailClusters, {
        namespace,
        limit: 500,
        ...(continueToken === null ? {} : { continueToken }),
      });
      settled += page.items.filter((item) => isSettled(item as CustomObject)).length;
      ({ continueToken } = page);
    } while (continueToken !== null);
    return settled;
  }

  async #apply([namespace, name]: Name, spec: object): Promise<void> {
    const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/${name}`;
    const { status, body } = await this.#admin.apply(path, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name, namespace },
      spec: { config: { app }, ...spec },
    });
    if (status >= 300) throw new Error(`${path}: ${status} ${String(body["message"])}`);
  }
}

function isSettled({ metadata, status }: CustomObject): boolean {
  const { observedGeneration, conditions = [] } = (status ?? {}) as View;
  const is = (type: string): string => conditions.find((each) => each.type === type)?.status ?? "";
  return (
    observedGeneration === metadata.generation && is("Ready") === "True" && is("Reconciling") === "False"
  );
}
