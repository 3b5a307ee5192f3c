/**
 * The payload of a queue event as an order to the QueuePort (pure). Payloads are made by our own native side; one
 * that does not fit is a bug, so the readers assert.
 */
import { assert } from "#base/assert.ts";

import type { EventKind, Wire } from "./native.ts";
import type { ListChange, Match, MatchField, Policy, PolicyLimits, QueuePort, Suspension } from "./ports.ts";

/** Name and value pairs of a payload. */
export class Payload {
  readonly #fields = new Map<string, Wire>();

  constructor(wire: Wire) {
    assert(Array.isArray(wire), "a payload is an array");
    for (let index = 0; index + 1 < wire.length; index += 2) {
      this.#fields.set(String(wire[index]), (wire[index + 1] ?? null) as Wire);
    }
  }

  value(name: string): Wire {
    return this.#fields.get(name) ?? null;
  }

  text(name: string): string {
    const value = this.value(name);
    assert(typeof value === "string", `${name} is a text`);
    return value;
  }

  maybe(name: string): string | null {
    return this.value(name) === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.value(name);
    assert(typeof value === "number", `${name} is a number`);
    return value;
  }

  flag(name: string): boolean {
    return this.value(name) === true;
  }

  /** The items of an inner array, without their keys. */
  items(name: string): Wire[] {
    const value = this.value(name);
    return Array.isArray(value) ? value.filter((_, index) => index % 2 === 1) : [];
  }

  inner(name: string): Payload {
    return new Payload(this.value(name));
  }

  texts(): Map<string, string> {
    return new Map([...this.#fields].map(([name, value]) => [name, String(value)]));
  }
}

/** Gives the order to the port; false when the event is not about the queue. */
export function giveOrder(kind: EventKind, payload: Payload, queue: QueuePort): boolean {
  switch (kind) {
    case "suspend-add":
      queue.suspend(suspensionOf(payload));
      return true;
    case "suspend-delete":
      queue.unsuspend(payload.text("id"));
      return true;
    case "policy-add":
      queue.addPolicy(policyOf(payload));
      return true;
    case "policy-update":
      queue.updatePolicy(payload.text("id"), changeOf(payload));
      return true;
    case "policy-delete":
      queue.deletePolicy(payload.text("id"));
      return true;
    case "policy-divide":
      queue.divideLimits(payload.number("by"));
      return true;
    case "list-add":
    case "list-item-add":
    case "list-item-delete":
    case "list-reload":
      queue.changeList(listChangeOf(kind, payload));
      return true;
    default:
      return false;
  }
}

/** In the order of the bits HALONMTA_QUEUE_… */
const fieldBits: readonly MatchField[] = [
  "transportid",
  "localip",
  "remoteip",
  "remotemx",
  "recipientdomain",
  "jobid",
  "grouping",
  "tenantid",
];

function fieldsOf(bits: number): MatchField[] {
  return fieldBits.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

function matchOf(payload: Payload): Match {
  return Object.fromEntries(fieldBits.map((field) => [field, payload.maybe(field)])) as unknown as Match;
}

function suspensionOf(payload: Payload): Suspension {
  return {
    id: payload.text("id"),
    plugin: payload.text("plugin"),
    match: matchOf(payload),
    tag: payload.maybe("tag"),
    properties: payload.inner("properties").texts(),
    ttlSeconds: payload.number("ttl"),
  };
}

const algorithms = ["default", "fixedwindow", "tokenbucket"] as const;
const types = ["dynamic", "warmup", "backoff"] as const;

function limitsOf(payload: Payload): PolicyLimits {
  return {
    concurrency: payload.number("concurrency"),
    tokens: payload.number("tokens"),
    intervalSeconds: payload.number("interval"),
    algorithm: algorithms[payload.number("algorithm")] ?? "default",
    connectIntervalSeconds: payload.number("connectinterval"),
    tag: payload.maybe("tag"),
    properties: payload.inner("properties").texts(),
    stop: payload.flag("stop"),
    cluster: payload.flag("cluster"),
    ttlSeconds: payload.number("ttl"),
  };
}

function policyOf(payload: Payload): Policy {
  return {
    id: payload.text("id"),
    plugin: payload.text("plugin"),
    type: types[payload.number("type")] ?? "dynamic",
    fields: fieldsOf(payload.number("fields")),
    match: matchOf(payload),
    limits: limitsOf(payload),
  };
}

/** Each later form of the update call says more; what a form cannot say stays as it is. */
function changeOf(payload: Payload): Partial<PolicyLimits> {
  const { concurrency, tokens, intervalSeconds, tag, ttlSeconds, ...rest } = limitsOf(payload);
  const base = { concurrency, tokens, intervalSeconds, tag, ttlSeconds };
  const { properties, stop } = rest;
  switch (payload.text("known")) {
    case "rate":
      return base;
    case "properties":
      return { ...base, properties };
    case "stop":
      return { ...base, properties, stop };
    default:
      return { ...base, ...rest };
  }
}

function listChangeOf(kind: EventKind, payload: Payload): ListChange {
  const field = fieldsOf(payload.number("field"))[0] ?? null;
  const list = payload.maybe("list");
  if (kind === "list-reload") return { kind: "reload", field, list };
  assert(field !== null && list !== null, "a list has a field and a name");
  if (kind === "list-add") return { kind: "add", field, list };
  return {
    kind: kind === "list-item-add" ? "add-item" : "delete-item",
    field,
    list,
    item: payload.text("item"),
  };
}
