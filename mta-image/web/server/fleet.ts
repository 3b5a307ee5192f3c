/**
 * All engines at once. Every engine is asked at the same time and every one appears in the outcome: with what it said,
 * or with why it said nothing.
 */
import { EngineStatus } from "#contract/admin-api.ts";
import type { Failures } from "#web/shared/web-api.ts";

import type { EngineAnswer, EngineCall, EngineClient } from "./engine-client.ts";
import type { Target, Targets } from "./targets.ts";

export const statusCall = { method: "GET", path: "/v1/status", answer: EngineStatus } as const;

export interface Said<T> {
  readonly engine: string;
  readonly value: T;
}

export interface Lines {
  readonly engine: string;
  /** Rejects when the engine goes away, or says a line without end. */
  readonly lines: AsyncIterable<string>;
}

export interface FleetAnswer<T> {
  readonly answers: readonly Said<T>[];
  readonly failures: Failures;
}

export class Fleet {
  readonly #targets: Pick<Targets, "all">;
  readonly #client: Pick<EngineClient, "call" | "stream">;

  constructor(targets: Pick<Targets, "all">, client: Pick<EngineClient, "call" | "stream">) {
    this.#targets = targets;
    this.#client = client;
  }

  async size(): Promise<number> {
    return (await this.#targets.all()).targets.length;
  }

  /** `names`: only these engines. */
  async ask<T>(call: EngineCall<T>, names?: readonly string[]): Promise<FleetAnswer<T>> {
    const { targets, failures } = await this.#targets.all();
    const asked = names === undefined ? targets : targets.filter(({ name }) => names.includes(name));
    const replies = await Promise.all(asked.map((target) => this.#client.call(target, call)));
    const missing = asked.flatMap((target, at) => failureOf(target, replies[at]));
    const answers = asked.flatMap(({ name }, at) => {
      const reply = replies[at];
      return reply?.ok === true ? [{ engine: name, value: reply.value }] : [];
    });
    return { answers, failures: [...failures, ...missing] };
  }

  /** Answers that go on: the lines of each engine that gives any. */
  async streams(
    path: string,
    signal: AbortSignal,
    names?: readonly string[],
  ): Promise<{ readonly streams: readonly Lines[]; readonly failures: Failures }> {
    const { targets, failures } = await this.#targets.all();
    const asked = names === undefined ? targets : targets.filter(({ name }) => names.includes(name));
    const replies = await Promise.all(asked.map((target) => this.#client.stream(target, path, signal)));
    const missing = asked.flatMap((target, at) => failureOf(target, replies[at]));
    const streams = asked.flatMap(({ name }, at) => {
      const reply = replies[at];
      return reply?.ok === true ? [{ engine: name, lines: reply.value }] : [];
    });
    return { streams, failures: [...failures, ...missing] };
  }

  /** Null: there is no engine of this name. */
  async askOne<T>(name: string, call: EngineCall<T>): Promise<EngineAnswer<T> | null> {
    const { targets } = await this.#targets.all();
    const target = targets.find((each) => each.name === name);
    return target === undefined ? null : this.#client.call(target, call);
  }
}

function failureOf({ name }: Target, reply: EngineAnswer<unknown> | undefined): Failures {
  return reply === undefined || reply.ok ? [] : [{ engine: name, reason: reply.reason }];
}
