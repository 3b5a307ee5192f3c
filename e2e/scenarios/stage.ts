/**
 * What every scenario starts from: the lab, a namespace of its own (restricted, as production should be), a ledger
 * sink outside the cluster. `close` removes all of it and waits until the namespace is gone, so that the next
 * scenario finds the node as it was.
 */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

import { type Lab, openLab } from "../lab.ts";
import { Ledger } from "../peers/ledger.ts";
import { tryRun } from "../peers/shell.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { Progress } from "../progress.ts";

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

  private constructor(lab: Lab, namespace: string, sink: Ledger) {
    this.lab = lab;
    this.namespace = namespace;
    this.sink = sink;
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

  /** Mail that is left must not keep the namespace: whoever closes a stage has looked at it before. */
  async close(): Promise<void> {
    this.sink.stop();
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
  ready(name: string, replicas: number): Promise<ClusterView> {
    return this.until(
      name,
      (view) =>
        view.status.observedGeneration === view.metadata.generation &&
        condition(view, "Ready")?.status === "True" &&
        view.status.readyReplicas === replicas,
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

  /** Sends mail through the cluster's Service; every recipient is another one ("17user@example.net"). */
  async send(name: string, messages: number, recipient = "user@example.net"): Promise<void> {
    const address = await this.kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}");
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

export async function eventually<T>(
  look: () => Promise<T>,
  isRight: (seen: T) => boolean,
  patienceSeconds: number,
): Promise<T> {
  const end = performance.now() + patienceSeconds * 1000;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (performance.now() > end) throw new Error(`never became right; last seen: ${JSON.stringify(seen)}`);
    await wait(300);
  }
}
