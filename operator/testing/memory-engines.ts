/** Engines in memory behind the Engines interface, by address: for tests of the whole operator without sockets. */
import { Failure } from "#base/error.ts";
import type { ConfigPush, DrainOrder, EngineStatus, Problem } from "#contract/admin-api.ts";
import type { EngineAddress, Engines, PushOutcome } from "#operator/engine/engines.ts";

import { settledStatus } from "./fake-engine.ts";

const states = { Serve: "Serving", Cordon: "Cordoned", Drain: "Draining" } as const;

export class MemoryEngines implements Engines {
  readonly byIp = new Map<string, EngineStatus>();
  /** Addresses that take calls and do not answer. */
  readonly silent = new Set<string>();
  readonly pushes: { readonly ip: string; readonly revision: string }[] = [];
  readonly orders: { readonly ip: string; readonly mode: string; readonly peers: readonly string[] }[] = [];
  problems: readonly Problem[] = [];

  start(ip: string, revision: string): void {
    this.byIp.set(ip, { ...settledStatus, revision });
  }

  change(ip: string, change: Partial<EngineStatus>): void {
    this.byIp.set(ip, { ...this.#at(ip), ...change });
  }

  async status({ ip }: EngineAddress): Promise<EngineStatus> {
    return this.#at(ip);
  }

  async push({ ip }: EngineAddress, push: ConfigPush): Promise<PushOutcome> {
    this.#at(ip);
    this.pushes.push({ ip, revision: push.revision });
    if (this.problems.length > 0) return { kind: "refused", problems: this.problems };
    this.change(ip, { revision: push.revision });
    return { kind: "taken", revision: push.revision };
  }

  async drain({ ip }: EngineAddress, order: DrainOrder): Promise<EngineStatus> {
    const { mode, peers = [] } = order;
    this.#at(ip);
    this.orders.push({ ip, mode, peers: peers.map(({ name }) => name) });
    this.change(ip, { state: states[mode] });
    return this.#at(ip);
  }

  async close(): Promise<void> {}

  #at(ip: string): EngineStatus {
    const status = this.byIp.get(ip);
    if (status === undefined || this.silent.has(ip)) {
      throw new Failure("engine-unreachable", `engine ${ip}: no answer`);
    }
    return status;
  }
}
