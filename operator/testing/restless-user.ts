/** Somebody who changes the cluster "out" again and again, always to something valid, chosen by a seed. */
import assert from "node:assert/strict";

import type { Pod } from "#operator/kube/objects.ts";

import type { Admin } from "./api-server.ts";
import { app } from "./whole.ts";

export class RestlessUser {
  readonly #admin: Admin;
  readonly #namespace: string;
  readonly #random: () => number;
  #retries = 5;

  constructor(admin: Admin, namespace: string, random: () => number) {
    this.#admin = admin;
    this.#namespace = namespace;
    this.#random = random;
  }

  async apply(replicas: number, startup: object = {}): Promise<void> {
    const group = { ...app.transportgroups[0], retry: { count: this.#retries } };
    const { status, body } = await this.#admin.apply(this.#path, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace: this.#namespace },
      spec: { replicas, config: { app: { transportgroups: [group] }, startup } },
    });
    assert.ok(status < 300, JSON.stringify(body));
  }

  /** Scales, pushes another configuration, or deletes a pod. */
  async change(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.5) return this.#scale(this.#size());
    if (dice < 0.7) {
      this.#retries = 5 + Math.floor(this.#random() * 20);
      return this.apply(this.#size());
    }
    return this.#deletePod();
  }

  #size(): number {
    return 1 + Math.floor(this.#random() * 4);
  }

  async #scale(replicas: number): Promise<void> {
    const patch = { spec: { replicas } };
    await this.#admin.call("PATCH", `${this.#path}/scale`, patch, "application/merge-patch+json");
  }

  async #deletePod(): Promise<void> {
    const pods = `/api/v1/namespaces/${this.#namespace}/pods`;
    const { body } = await this.#admin.call("GET", pods);
    const items = body["items"] as readonly Pod[];
    const victim = items[Math.floor(this.#random() * items.length)];
    if (victim === undefined) return;
    await this.#admin.call("DELETE", `${pods}/${victim.metadata.name}`, { gracePeriodSeconds: 0 });
  }

  get #path(): string {
    return `/apis/mailfleet.io/v1alpha1/namespaces/${this.#namespace}/mailclusters/out`;
  }
}
