/**
 * The event outbox: whoever is configured hears what became of mail, through files and webhooks, with retries of its
 * own and never through the mail queue. The engine tells `received` and `note`; nothing here slows mail down or fails
 * it: what cannot be kept is dropped and counted.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { EventsConfig, Webhook } from "#contract/events-config.ts";

import type { Outcome } from "../queue/courier.ts";
import type { Entry } from "../queue/entry.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import { Batches } from "./batches.ts";
import { EventFile } from "./event-file.ts";
import { type MailEvent, outcomeEvent, receivedEvents } from "./mail-event.ts";
import { WebhookSender, readSecret } from "./webhook.ts";

/** Null where a message belongs to no trace. */
type Traceparent = (message: SpooledMessage) => string | null;

type Sink = EventFile | WebhookSender;

export interface EventFigures {
  readonly webhook: string;
  readonly sent: number;
  readonly failures: number;
  readonly dropped: number;
  readonly pendingBytes: number;
}

export class Events {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #traceparent: Traceparent;
  #sinks: readonly Sink[] = [];
  /** Of the moment in which sinks change hands; null at other times. */
  #meanwhile: MailEvent[] | null = null;
  /** The configuration in force, or about to be, with its secrets, which may be renewed alone. */
  #text = "";
  /** Sinks changing hands: two changes at once would both write where one must. */
  #changing: Promise<void> | null = null;

  constructor(options: {
    readonly folder: string;
    readonly clock: Clock;
    readonly log: Log;
    readonly traceparent?: Traceparent;
  }) {
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#traceparent = options.traceparent ?? (() => null);
  }

  /**
   * Makes ready what a configuration asks for; what comes back puts it in force, one after another, and never rejects.
   * Throws a Failure `event-secret-unusable` that names the file.
   */
  async prepare(config: EventsConfig): Promise<() => Promise<void>> {
    const secrets = await Promise.all(config.webhooks.map(secretOf));
    const text = JSON.stringify([config, secrets.map((secret) => secret?.toString("base64"))]);
    if (text === this.#text) return async () => {};
    return () => {
      this.#text = text;
      return this.#inTurn(() => this.#change(config, secrets));
    };
  }

  /** At once where nothing else is changing: what happens from now on belongs to the new configuration. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const changing = this.#changing === null ? change() : this.#changing.then(change);
    this.#changing = changing;
    return changing.finally(() => {
      if (this.#changing === changing) this.#changing = null;
    });
  }

  async #change({ files, webhooks }: EventsConfig, secrets: readonly (Buffer | null)[]): Promise<void> {
    this.#meanwhile = this.#sinks.length > 0 ? [] : null;
    await this.#closeSinks();
    const opened = await Promise.all(webhooks.map((webhook, i) => this.#open(webhook, secrets[i] ?? null)));
    this.#sinks = [
      ...files.map(
        ({ path, maxsize, keep, types }) =>
          new EventFile({ path, maxBytes: maxsize, keep, types, clock: this.#clock, log: this.#log }),
      ),
      ...opened.filter((sink) => sink !== null),
    ];
    const meanwhile = this.#meanwhile ?? [];
    this.#meanwhile = null;
    for (const event of meanwhile) this.#push(event);
  }

  received(message: SpooledMessage): void {
    if (this.#isDeaf) return;
    for (const event of receivedEvents(message, this.#clock.now())) this.#push(this.#join(event, message));
  }

  /** `replyClass` is "" for what was delivered. */
  note(entry: Entry, outcome: Outcome, replyClass: string): void {
    if (this.#isDeaf) return;
    const event = outcomeEvent(entry, { ...outcome, class: replyClass }, this.#clock.now());
    this.#push(this.#join(event, entry.message));
  }

  /** Something else that was heard of mail. */
  tell(event: Omit<MailEvent, "time">): void {
    if (!this.#isDeaf) this.#push({ ...event, time: new Date(this.#clock.now()).toISOString() });
  }

  figures(): readonly EventFigures[] {
    return this.#sinks.flatMap((sink) => {
      if (sink instanceof EventFile) return [];
      const { id, sent, failures, dropped, pendingBytes } = sink;
      return [{ webhook: id, sent, failures, dropped, pendingBytes }];
    });
  }

  /** What is not sent yet stays on disk. */
  async close(): Promise<void> {
    await this.#changing;
    await this.#closeSinks();
  }

  async #closeSinks(): Promise<void> {
    const sinks = this.#sinks;
    this.#sinks = [];
    await Promise.all(sinks.map((sink) => sink.close()));
  }

  get #isDeaf(): boolean {
    return this.#sinks.length === 0 && this.#meanwhile === null;
  }

  #join(event: MailEvent, message: SpooledMessage): MailEvent {
    const traceparent = this.#traceparent(message);
    return traceparent === null ? event : { ...event, traceparent };
  }

  #push(event: MailEvent): void {
    this.#meanwhile?.push(event);
    for (const sink of this.#sinks) sink.push(event);
  }

  /** Null where the disk does not give what it takes: the others go on, and the next configuration tries it again. */
  async #open(webhook: Webhook, secret: Buffer | null): Promise<WebhookSender | null> {
    const { id, url, timeout: timeoutMs, types, maxpending } = webhook;
    const [clock, log] = [this.#clock, this.#log];
    try {
      const batches = await Batches.open(join(this.#folder, id), maxpending);
      return new WebhookSender({ id, url, secret, timeoutMs, types, batches, clock, log });
    } catch (error) {
      this.#text = "";
      log.error({ webhook: id, error: describe(error) }, "webhook-not-opened");
      return null;
    }
  }
}

async function secretOf({ id, secretfile }: Webhook): Promise<Buffer | null> {
  if (secretfile === undefined) return null;
  try {
    return readSecret(await readFile(secretfile, "utf8"));
  } catch (cause) {
    const message = `events: webhook ${id}: cannot read ${secretfile}: ${describe(cause)}`;
    throw new Failure("event-secret-unusable", message, { cause });
  }
}
