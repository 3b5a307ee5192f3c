/**
 * One cluster "out" in a namespace of its own, an operator process that reaches the API server through a proxy with
 * faults, and a node whose engines hold mail; beside it an empty namespace for a cluster that is applied afresh. `turn` lets
 * the nodes go on; `close` removes all of it.
 */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import type { Kube } from "#operator/kube/kube.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

import { freePort } from "../../e2e/peers/free-port.ts";
import { FaultProxy } from "../../e2e/faults/fault-proxy.ts";
import { Schedule } from "../../e2e/faults/schedule.ts";
import { type Admin, type ApiServer, prepare } from "./api-server.ts";
import { MailNode } from "./mail-node.ts";
import { OperatorProcess } from "./operator-process.ts";

export interface FaultyWorldOptions {
  readonly server: ApiServer;
  readonly admin: Admin;
  readonly kube: Kube;
  readonly seed: number;
  readonly most: number;
  readonly kedaPort?: number;
}

const TURN_MS = 50;

export class FaultyWorld {
  readonly namespace: string;
  readonly freshNamespace: string;
  readonly schedule: Schedule;
  readonly node: MailNode;
  readonly operator: OperatorProcess;
  readonly proxy: FaultProxy;
  readonly #admin: Admin;
  readonly #freshNode: MailNode;
  readonly #files: readonly string[];
  readonly #namespaces: readonly string[];

  private constructor(made: {
    admin: Admin;
    namespaces: readonly [string, string, string];
    schedule: Schedule;
    nodes: readonly [MailNode, MailNode];
    operator: OperatorProcess;
    proxy: FaultProxy;
    files: readonly string[];
  }) {
    [this.namespace, this.freshNamespace] = made.namespaces;
    [this.node, this.#freshNode] = made.nodes;
    this.#admin = made.admin;
    this.schedule = made.schedule;
    this.operator = made.operator;
    this.proxy = made.proxy;
    this.#files = made.files;
    this.#namespaces = made.namespaces;
  }

  static async open(options: FaultyWorldOptions): Promise<FaultyWorld> {
    const { server, admin, kube, seed, most, kedaPort } = options;
    const id = `${seed}-${Date.now().toString(36)}`;
    const namespaces = [`faults-${id}`, `afresh-${id}`, `system-${id}`] as const;
    await prepare(admin, namespaces);
    const port = await freePort();
    // Several may run at once, each on a loopback network of its own.
    const network = (offset: number): string =>
      `127.${90 + (seed % 60) + offset}.${Math.floor(Math.random() * 250)}`;
    const nodeOf = (namespace: string, offset: number): MailNode =>
      new MailNode({ kube, admin, namespace, port, network: network(offset) });
    const schedule = new Schedule(seed, most);
    const kubeconfig = join(tmpdir(), `${namespaces[0]}.kubeconfig`);
    const operator = new OperatorProcess({
      kubeconfig,
      namespaces: namespaces.slice(0, 2),
      leaseNamespace: namespaces[2],
      port,
      ...(kedaPort === undefined ? {} : { kedaPort }),
    });
    const proxy = await FaultProxy.start({
      kubeconfig: server.kubeconfig,
      actAs: null,
      address: "127.0.0.1",
      choose: (kind) => schedule.next(kind),
      onKill: () => operator.kill(),
    });
    await writeFile(kubeconfig, proxy.kubeconfig, { mode: 0o600 });
    const nodes = [nodeOf(namespaces[0], 0), nodeOf(namespaces[1], 60)] as const;
    const files = [kubeconfig];
    return new FaultyWorld({ admin, namespaces: [...namespaces], schedule, nodes, operator, proxy, files });
  }

  pathOf(namespace: string): string {
    return `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/out`;
  }

  async turns(count: number, arriving: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.node.turn(arriving);
      await this.#freshNode.turn(0);
      await wait(TURN_MS);
    }
  }

  /** Lets time go on without new mail; fails after a long while. */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 600; i++) {
      await this.turns(1, 0);
      if (await isTrue()) return;
    }
    const { body } = await this.#admin.call("GET", this.pathOf(this.namespace));
    const lines = this.operator.lines.slice(-40).join("\n");
    assert.fail(`never came true: ${what}; status ${JSON.stringify(body["status"])}\n${lines}`);
  }

  /** The status speaks of the present spec, and nothing is left to do. */
  async isSettled(namespace: string, replicas: number): Promise<boolean> {
    const { status: code, body } = await this.#admin.call("GET", this.pathOf(namespace));
    if (code !== 200) return false;
    const { metadata, status } = body as unknown as CustomObject & { status?: View };
    const is = (type: string): string =>
      status?.conditions?.find((condition) => condition.type === type)?.status ?? "";
    const isSeen = status?.observedGeneration === metadata.generation;
    return (
      isSeen && status?.readyReplicas === replicas && is("Ready") === "True" && is("Reconciling") === "False"
    );
  }

  /** A cluster that never knew another spec than the present one of "out". */
  async applyAfresh(): Promise<void> {
    const { body } = await this.#admin.call("GET", this.pathOf(this.namespace));
    const { apiVersion, kind, spec } = body as unknown as CustomObject;
    const metadata = { name: "out", namespace: this.freshNamespace };
    const reply = await this.#admin.apply(this.pathOf(this.freshNamespace), {
      apiVersion,
      kind,
      metadata,
      spec,
    });
    assert.ok(reply.status < 300, JSON.stringify(reply.body));
  }

  async close(): Promise<void> {
    await this.operator.stop();
    await this.proxy.close();
    for (const name of this.#namespaces) await this.#admin.call("DELETE", `/api/v1/namespaces/${name}`);
    await Promise.all([this.node.close(), this.#freshNode.close()]);
    for (const file of this.#files) await rm(file, { force: true });
  }
}

interface View {
  readonly observedGeneration?: number;
  readonly readyReplicas?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}
