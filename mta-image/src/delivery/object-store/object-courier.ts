/**
 * The queue's courier for transports whose mail goes into an object store; all other mail goes to the next courier. Each
 * recipient gets an object of its own. Never rejects; at the end what is under way has until the deadline, and is then
 * cut and deferred: the next attempt writes the same object.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import type { Attempt, AttemptWait, Courier, Outcome } from "../../queue/courier.ts";
import type { Content } from "../../spool/spool.ts";
import { outcomeOfReadError } from "../job.ts";
import { objectHeaders, objectKey } from "./object-key.ts";
import { outcomeOfAnswer, outcomeOfTransfer } from "./object-outcome.ts";
import { putObject } from "./put-object.ts";
import { S3Client } from "./s3-client.ts";
import type { ObjectStoreSettings } from "./settings.ts";

export interface ObjectCourierOptions {
  readonly clock: Clock;
  readonly next: Courier;
  /** Undefined for a transport that is no store. The same object as long as nothing changed. */
  readonly store: (transportId: string) => ObjectStoreSettings | undefined;
  readonly read: (id: string) => Promise<Content>;
}

const LOOK_EVERY_MS = 20;

export class ObjectCourier implements Courier {
  readonly #options: ObjectCourierOptions;
  readonly #clients = new Map<string, S3Client>();
  readonly #end = new AbortController();
  #underWay = 0;

  constructor(options: ObjectCourierOptions) {
    this.#options = options;
  }

  get attemptsPerDestination(): number {
    return this.#options.next.attemptsPerDestination;
  }

  waitOf(messageId: string, recipient: number): AttemptWait | null {
    return this.#options.next.waitOf?.(messageId, recipient) ?? null;
  }

  deliver(attempt: Attempt): Promise<readonly Outcome[]> {
    const { transportId } = attempt.destination;
    const settings = this.#options.store(transportId);
    if (settings === undefined) return this.#options.next.deliver(attempt);
    return this.#deliver(attempt, this.#client(transportId, settings));
  }

  async close(deadlineMs: number): Promise<void> {
    await Promise.all([this.#options.next.close(deadlineMs), this.#close(deadlineMs)]);
  }

  async #close(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + deadlineMs;
    while (this.#underWay > 0 && clock.monotonic() < end) await sleep(clock, LOOK_EVERY_MS);
    this.#end.abort();
    for (const client of this.#clients.values()) client.close();
  }

  /** A reload makes new settings and so a new client; requests of the old one end with it. */
  #client(transportId: string, settings: ObjectStoreSettings): S3Client {
    const known = this.#clients.get(transportId);
    if (known?.settings === settings) return known;
    const client = new S3Client(settings, this.#options.clock);
    this.#clients.set(transportId, client);
    known?.close();
    return client;
  }

  async #deliver(attempt: Attempt, client: S3Client): Promise<readonly Outcome[]> {
    this.#underWay++;
    try {
      const outcomes: Outcome[] = [];
      // One after the other: the queue has as many attempts under way as the rules allow.
      for (const index of attempt.recipients) outcomes.push(await this.#put(attempt, index, client));
      return outcomes;
    } finally {
      this.#underWay--;
    }
  }

  async #put({ message }: Attempt, index: number, client: S3Client): Promise<Outcome> {
    const recipient = message.envelope.recipients[index] ?? "";
    const { endpoint, bucket, prefix } = client.settings;
    const place = `${new URL(endpoint).host}/${bucket}`;
    let content: Content;
    try {
      content = await this.#options.read(message.id);
    } catch (error) {
      return outcomeOfReadError(error);
    }
    try {
      const key = objectKey(prefix, message, recipient);
      const headers = objectHeaders(message, recipient);
      const answer = await putObject(client, { key, headers, content, signal: this.#end.signal });
      return outcomeOfAnswer(answer, place, this.#options.clock.now());
    } catch (error) {
      return outcomeOfTransfer(reasonOf(error), place);
    }
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && /^E[A-Z]+$/.test(code) ? code : describe(error);
}
