/**
 * Tells users what happened, as events.k8s.io/v1 objects next to the object that it happened to. The same thing said
 * again within ten minutes becomes a series (a count), and one object may cause 25 events at once and then one in five
 * minutes, so a loop never floods the API server. Saying is fire and forget: an event that cannot be written is logged
 * and lost, since conditions carry the truth.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { EventInput, Kube, KubeObject } from "./kube.ts";
import { microTime } from "./times.ts";
import { type KubeEvent, resources } from "./objects.ts";

export interface Recorder {
  record(event: EventInput): void;
}

const SERIES_MS = 600_000;
/** A running series is written at most this often. */
const SERIES_WRITE_MS = 60_000;
const BURST = 25;
const REFILL_MS = 300_000;
const MAX_REMEMBERED = 1000;
/** The API server refuses a note of more bytes. */
const MAX_NOTE = 1024;

interface Remembered {
  readonly event: KubeEvent;
  count: number;
  lastAt: number;
  writtenAt: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export interface RecorderOptions {
  readonly kube: Pick<Kube, "apply">;
  readonly clock: Clock;
  readonly log: Log;
  /** The operator's identity. */
  readonly instance: string;
}

export class EventRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #writing = new Set<Promise<void>>();
  #made = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  record(input: EventInput): void {
    const now = this.#options.clock.now();
    const id = [input.regarding.metadata.uid, input.type, input.reason, input.action, input.note].join("\n");
    const known = this.#remembered.get(id);
    if (known !== undefined && now - known.lastAt < SERIES_MS) {
      this.#repeat(known, now);
      return;
    }
    if (!this.#mayWrite(input.regarding, now)) return;
    const event = this.#make(input, now);
    this.#remembered.delete(id);
    this.#remembered.set(id, { event, count: 1, lastAt: now, writtenAt: now });
    shorten(this.#remembered);
    this.#write(event);
  }

  /** Resolves when everything said so far is written or lost. */
  async flush(): Promise<void> {
    await Promise.all(this.#writing);
  }

  #repeat(known: Remembered, now: number): void {
    known.count++;
    known.lastAt = now;
    if (known.count > 2 && now - known.writtenAt < SERIES_WRITE_MS) return;
    known.writtenAt = now;
    this.#write({ ...known.event, series: { count: known.count, lastObservedTime: microTime(now) } });
  }

  #mayWrite(regarding: KubeObject, now: number): boolean {
    const id = regarding.metadata.uid ?? regarding.metadata.name;
    const bucket = this.#buckets.get(id) ?? { tokens: BURST, at: now };
    bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    bucket.at = now;
    this.#buckets.delete(id);
    this.#buckets.set(id, bucket);
    shorten(this.#buckets);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #make(input: EventInput, now: number): KubeEvent {
    const { apiVersion, kind, metadata } = input.regarding;
    const suffix = `${now.toString(16)}${(this.#made++ & 0xfff).toString(16).padStart(3, "0")}`;
    const namespace = metadata.namespace ?? "default";
    return {
      apiVersion: resources.events.apiVersion,
      kind: resources.events.kind,
      metadata: { name: `${metadata.name}.${suffix}`, namespace },
      eventTime: microTime(now),
      reportingController: "mailfleet.io/operator",
      reportingInstance: this.#options.instance.slice(0, 128),
      type: input.type,
      reason: input.reason,
      action: input.action,
      note: cut(input.note),
      regarding: { apiVersion, kind, namespace, name: metadata.name, ...uidOf(input.regarding) },
    };
  }

  #write(event: KubeEvent): void {
    const writing = this.#options.kube
      .apply(resources.events, event)
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#options.log.warn({ event: event.reason, reason: describe(error) }, "event-lost");
      })
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }
}

function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MAX_NOTE) return note;
  // A character cut in half becomes three bytes of replacement.
  return `${bytes.subarray(0, MAX_NOTE - 8).toString("utf8")}…`;
}

function uidOf(object: KubeObject): { uid?: string } {
  return object.metadata.uid === undefined ? {} : { uid: object.metadata.uid };
}

/** Maps remember insertion order: the first key is the one not used for longest. */
function shorten(map: Map<string, unknown>): void {
  const first = map.keys().next();
  if (map.size > MAX_REMEMBERED && first.done !== true) map.delete(first.value);
}
