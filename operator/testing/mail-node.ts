/**
 * A node without pods (live-node.ts) whose engines hold mail: a message is taken by an engine that serves, delivered by
 * any, handed to another one by an engine that drains, and lies in the spool of its claim when its pod goes. Claims are
 * bound to real volumes by the controller manager. Each `turn` looks at the claims and keeps what must never be seen:
 * a claim that goes while its spool holds mail. Mail moves only within a turn, so what is judged cannot change meanwhile.
 */
import type { Kube } from "#operator/kube/kube.ts";
import { type PersistentVolumeClaim, type Pod, resources } from "#operator/kube/objects.ts";

import type { Admin } from "./api-server.ts";
import type { FakeEngine } from "./fake-engine.ts";
import { LiveNode } from "./live-node.ts";

/** What an engine delivers, and hands over, in one turn. */
const DELIVERED = 1;
const HANDED = 10;

interface Spool {
  readonly claim: string;
  readonly mail: Set<number>;
}

export class MailNode {
  /** What must never happen, in words. */
  readonly violations: string[] = [];
  readonly accepted = new Set<number>();
  readonly delivered = new Set<number>();
  readonly #live: LiveNode;
  readonly #kube: Kube;
  readonly #admin: Admin;
  readonly #namespace: string;
  /** By uid of the claim. */
  readonly #spools = new Map<string, Spool>();
  readonly #volumes: string[] = [];
  #claims: readonly PersistentVolumeClaim[] = [];
  #next = 1;

  constructor(options: { kube: Kube; admin: Admin; namespace: string; port: number; network: string }) {
    this.#kube = options.kube;
    this.#admin = options.admin;
    this.#namespace = options.namespace;
    this.#live = new LiveNode(options.kube, options.namespace, options.port, options.network);
    this.#live.onStart = (pod, engine) => tell(engine, this.#spoolOf(pod));
  }

  /** `arriving`: messages for each engine that serves. */
  async turn(arriving: number): Promise<void> {
    const { namespace } = { namespace: this.#namespace };
    this.#claims = (await this.#kube.list<PersistentVolumeClaim>(resources.claims, { namespace })).items;
    this.#judge();
    for (const claim of this.#claims) if (claim.status?.phase === "Pending") await this.#bind(claim);
    await this.#live.turn();
    const { items } = await this.#kube.list<Pod>(resources.pods, { namespace });
    const open = items.flatMap((pod) => {
      const engine = this.#live.engineOf(pod);
      const spool = this.#spoolOf(pod);
      return engine === null || spool === null ? [] : [{ engine, spool }];
    });
    for (const { engine, spool } of open) {
      if (engine.status.state === "Serving") for (let i = 0; i < arriving; i++) this.#accept(spool);
      this.#deliver(spool);
      const taker = open.find((other) => other.spool !== spool && other.engine.status.state === "Serving");
      if (engine.status.state === "Draining" && taker !== undefined) hand(spool, taker.spool);
    }
    for (const { engine, spool } of open) tell(engine, spool);
  }

  get queued(): number {
    return [...this.#spools.values()].reduce((sum, { mail }) => sum + mail.size, 0);
  }

  /** Accepted, not delivered, and in no spool that is left. */
  get lost(): number {
    const kept = new Set([...this.#spools.values()].flatMap(({ mail }) => [...mail]));
    return [...this.accepted].filter((id) => !this.delivered.has(id) && !kept.has(id)).length;
  }

  async close(): Promise<void> {
    await this.#live.close();
    for (const name of this.#volumes) await this.#admin.call("DELETE", `/api/v1/persistentvolumes/${name}`);
  }

  #judge(): void {
    const staying = new Set(
      this.#claims.flatMap(({ metadata: { uid, deletionTimestamp } }) =>
        deletionTimestamp === undefined ? [uid] : [],
      ),
    );
    for (const [uid, { claim, mail }] of this.#spools) {
      if (staying.has(uid)) continue;
      if (mail.size > 0) this.violations.push(`${claim} goes with ${mail.size} messages`);
      this.#spools.delete(uid);
    }
  }

  #spoolOf(pod: Pod): Spool | null {
    const { name } = pod.metadata;
    const claim = this.#claims.find(({ metadata }) => metadata.name === name);
    if (claim?.metadata.uid === undefined || claim.metadata.deletionTimestamp !== undefined) return null;
    const spool = this.#spools.get(claim.metadata.uid) ?? { claim: name, mail: new Set<number>() };
    this.#spools.set(claim.metadata.uid, spool);
    return spool;
  }

  #accept({ mail }: Spool): void {
    const id = this.#next++;
    this.accepted.add(id);
    mail.add(id);
  }

  #deliver({ claim, mail }: Spool): void {
    for (const id of [...mail].slice(0, DELIVERED)) {
      if (this.delivered.has(id)) this.violations.push(`${claim} delivers ${id} a second time`);
      this.delivered.add(id);
      mail.delete(id);
    }
  }

  async #bind({ metadata }: PersistentVolumeClaim): Promise<void> {
    const name = `${this.#namespace}-${metadata.name}-${metadata.uid?.slice(0, 8)}`;
    if (this.#volumes.includes(name)) return;
    this.#volumes.push(name);
    const { uid } = metadata;
    await this.#admin.call("POST", "/api/v1/persistentvolumes", {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: {
        capacity: { storage: "100Gi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: "/nowhere" },
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: this.#namespace,
          name: metadata.name,
          uid,
        },
      },
    });
  }
}

function hand(from: Spool, to: Spool): void {
  for (const id of [...from.mail].slice(0, HANDED)) {
    from.mail.delete(id);
    to.mail.add(id);
  }
}

function tell(engine: FakeEngine, spool: Spool | null): void {
  const total = spool?.mail.size ?? 0;
  const queue = { total, active: total, deferred: 0, hold: 0, oldestDueSeconds: 0 };
  engine.status = {
    ...engine.status,
    queue,
    handover: engine.status.handover ?? { given: 0, unanswered: 0, waitsFor: null },
  };
}
