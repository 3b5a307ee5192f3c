/**
 * What every scenario starts from: the lab, a namespace of its own (restricted, as production should be), a ledger
 * sink outside the cluster, and a watcher that looks each second for a second writer of a spool. `close` balances the
 * account of all mail that got a 250 and rejects when a promise was broken; it removes all of it and waits until the
 * namespace is gone, so that the next scenario finds the node as it was.
 */
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

import { type Lab, openLab } from "../lab.ts";
import { Ledger } from "../peers/ledger.ts";
import { tryRun } from "../peers/shell.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { SteadySource } from "../peers/source.ts";
import { Progress } from "../progress.ts";
import { Watcher } from "../soak/watcher.ts";
import type { Account } from "../peers/account.ts";
import { Books } from "./books.ts";

const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string(),
  message: z.string(),
});

const ClusterView = z.object({
  metadata: z.object({ generation: z.int(), annotations: z.record(z.string(), z.string()).optional() }),
  status: z
    .object({
      observedGeneration: z.int().optional(),
      conditions: z.array(Condition).default([]),
      replicas: z.int().default(0),
      readyReplicas: z.int().default(0),
      revision: z.object({ current: z.string().optional(), target: z.string().optional() }).default({}),
      queue: z.object({ total: z.int().optional() }).default({}),
      spread: z.object({ message: z.string() }).optional(),
      pods: z
        .array(
          z.object({
            slot: z.int(),
            state: z.string(),
            revision: z.string().optional(),
            queued: z.int().optional(),
          }),
        )
        .default([]),
      plugins: z
        .array(
          z.object({
            name: z.string(),
            state: z.string(),
            sha256: z.string().optional(),
            pods: z.int().optional(),
            roles: z.array(z.string()).optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
export type ClusterView = z.infer<typeof ClusterView>;

export class Stage {
  readonly lab: Lab;
  readonly namespace: string;
  readonly sink: Ledger;
  readonly watcher: Watcher;
  readonly #books: Books;
  #travellers = 0;

  private constructor(lab: Lab, namespace: string, sink: Ledger) {
    this.lab = lab;
    this.namespace = namespace;
    this.sink = sink;
    this.#books = new Books((...args) => this.kubectl(...args));
    this.#books.add(sink);
    this.watcher = new Watcher({ pods: "", sink });
  }

  static async open(name: string): Promise<Stage> {
    const lab = await openLab(new Progress(name));
    const namespace = `${name}-${Date.now().toString(36)}`;
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
    await lab.kubectl(["apply", "-f", "-"], JSON.stringify(object));
    const { nodeAddress, networkNamespace } = lab.cluster;
    const sink = await Ledger.start({ address: nodeAddress, port: 0, namespace: networkNamespace });
    return new Stage(lab, namespace, sink);
  }

  /** Rejects when a mail was lost or doubled, or a spool had two writers; all is removed before that. */
  async close(): Promise<void> {
    await this.watcher.stop();
    const balanced = await this.#books.balance().catch((error: unknown) => ({ error: String(error) }));
    await this.remove();
    assert.deepEqual(balanced, { lost: [], doubled: [] });
    assert.deepEqual(this.watcher.violations, []);
  }

  /** A second ledger "somewhere else". */
  async openSink(): Promise<Ledger> {
    const { nodeAddress, networkNamespace } = this.lab.cluster;
    const sink = await Ledger.start({ address: nodeAddress, port: 0, namespace: networkNamespace });
    this.#books.add(sink);
    return sink;
  }

  /** Who got a 250. */
  get account(): Account {
    return this.#books.account;
  }

  /** Without a look at the books, for who keeps his own. Mail that is left must not keep the namespace. */
  async remove(): Promise<void> {
    await this.watcher.stop();
    this.#books.close();
    const discard = '{"spec":{"deletionPolicy":"Discard"}}';
    const names = await this.kubectl("get", "mailclusters", "-o", "name");
    for (const name of names.split("\n").filter(Boolean)) {
      await this.kubectl("patch", name, "--type=merge", "-p", discard).catch(() => {});
    }
    await this.kubectl("delete", "mailclusters", "--all", "--wait=true", "--timeout=100s");
    await this.lab.kubectl(["delete", "namespace", this.namespace, "--wait=true", "--timeout=100s"]);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.lab.kubectl(["-n", this.namespace, ...args]);
  }

  apply(object: unknown): Promise<string> {
    return this.lab.kubectl(["-n", this.namespace, "apply", "-f", "-"], JSON.stringify(object));
  }

  /** A MailCluster whose mail goes to the sink; `spec` adds to it. */
  applyCluster(name: string, spec: Readonly<Record<string, unknown>>): Promise<string> {
    return this.apply({
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name },
      spec: { config: { app: this.app() }, storage: { size: "1Gi" }, ...spec },
    });
  }

  /** smtpd-app.yaml that sends everything to the sink, with retries every two seconds. */
  app(group: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const server = `${this.sink.address}:${this.sink.port}`;
    const retry = { count: 1000, intervals: [{ interval: 2 }] };
    return {
      transportgroups: [
        { id: "default", connection: { server }, retry, transports: [{ id: "default" }], ...group },
      ],
    };
  }

  async view(name: string): Promise<ClusterView> {
    return ClusterView.parse(await this.lab.get(["-n", this.namespace, "mailcluster", name]));
  }

  /** Waits until the cluster looks right; fails with what was last seen. */
  async until(
    name: string,
    isRight: (view: ClusterView) => boolean,
    patienceSeconds = 90,
  ): Promise<ClusterView> {
    return eventually(() => this.view(name), isRight, patienceSeconds);
  }

  /** Waits until the status speaks of the present spec and the cluster is Ready. */
  ready(name: string, replicas: number, patienceSeconds = 90): Promise<ClusterView> {
    return this.until(
      name,
      (view) =>
        view.status.observedGeneration === view.metadata.generation &&
        condition(view, "Ready")?.status === "True" &&
        view.status.readyReplicas === replicas,
      patienceSeconds,
    );
  }

  /** Waits until every pod runs the revision that the present spec asks for. */
  rolledOut(name: string): Promise<ClusterView> {
    return this.until(name, ({ metadata, status }) => {
      const revisions = new Set(status.pods.map(({ revision }) => revision));
      return (
        status.observedGeneration === metadata.generation &&
        revisions.size === 1 &&
        revisions.has(status.revision.target) &&
        status.revision.current === status.revision.target
      );
    });
  }

  addressOf(service: string): Promise<string> {
    return this.kubectl("get", "service", service, "-o", "jsonpath={.spec.clusterIP}");
  }

  /** Sends mail through the cluster's Service; every recipient is another one ("17user@example.net"). */
  async send(name: string, messages: number, recipient = "user@example.net"): Promise<void> {
    const address = await this.addressOf(name);
    const namespace = this.lab.cluster.networkNamespace;
    // The node hears a little later than the status that pods serve.
    await eventually(
      () => tryRun("bash", ["-c", `exec 3<>/dev/tcp/${address}/25`], { namespace }),
      ({ code }) => code === 0,
      20,
    );
    await sendWithSmtpSource({
      address,
      port: 25,
      namespace,
      messages,
      connections: Math.min(20, messages),
      sizeBytes: 4096,
      sender: "sender@example.org",
      recipient,
      numbered: true,
    });
    this.account.tookNumbered(messages, recipient);
  }

  /**
   * A client that goes on sending a few mails a second, whatever is done to the cluster. `stop` rejects when it was ever
   * turned away without 421; the mail that it got rid of is in the account from then on.
   */
  async traffic(name: string, rate = 5): Promise<{ stop(): Promise<void> }> {
    const domain = `steady-${++this.#travellers}.test`;
    const options = { address: await this.addressOf(name), port: 25, connections: 2, domain };
    const namespace = this.lab.cluster.networkNamespace;
    const source = await SteadySource.start({ ...options, namespace });
    await source.rate(rate);
    await eventually(
      () => source.report(),
      ({ accepted }) => accepted > 0,
      30,
    );
    const rest = async (): Promise<void> => {
      await source.rate(0);
      // Whoever is in the middle of a message ends it.
      await wait(2000);
      for (const recipient of await source.accepted()) this.account.took(recipient);
      assert.deepEqual(await source.rebuffs(), []);
    };
    return { stop: () => rest().finally(() => source.stop()) };
  }

  /** Waits until all that was accepted so far is delivered, and each once; fails with what is missing or doubled. */
  async allDelivered(patienceSeconds = 60): Promise<void> {
    const { doubled } = await eventually(
      () => this.#books.delivered(),
      ({ missing }) => missing.length === 0,
      patienceSeconds,
    );
    assert.deepEqual(doubled, []);
  }

  /** Waits until so many recipients were delivered to (the status lags behind); fails with the ledger. */
  delivered(recipients: number, patienceSeconds = 60, sink = this.sink): Promise<unknown> {
    return eventually(
      () => sink.report(),
      (report) => report.recipients >= recipients,
      patienceSeconds,
    );
  }
}

export function condition(view: ClusterView, type: string): z.infer<typeof Condition> | undefined {
  return view.status.conditions.find((one) => one.type === type);
}

/** How much slower than one that does nothing else a machine may be. */
const SLOWEST = 4;

/** Fails with what was last seen when it never becomes right; `patienceSeconds` is of a machine that does nothing else. */
export async function eventually<T>(
  look: () => Promise<T>,
  isRight: (seen: T) => boolean,
  patienceSeconds: number,
): Promise<T> {
  const end = performance.now() + patienceSeconds * SLOWEST * 1000;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (performance.now() > end) throw new Error(`never became right; last seen: ${JSON.stringify(seen)}`);
    await wait(300);
  }
}
