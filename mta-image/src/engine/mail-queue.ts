/** The queue with those who belong to it: notices to senders, watchers of outcomes, warm-up, and the rules of the files. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { EngineConfig } from "#contract/config.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";

import { makeQueueRules, makeQuotas } from "../config/queue-rules.ts";
import { type RetryRules, makeRetryRules } from "../config/retry-rules.ts";
import type { Settings } from "../config/settings.ts";
import { MailNotifier } from "../dsn/mail-notifier.ts";
import type { Events } from "../events/events.ts";
import type { Intake } from "../intake/intake.ts";
import type { Lists } from "../queue/matching.ts";
import { Queue, type QueueOptions } from "../queue/queue.ts";
import { SourceCount, countSources } from "../queue/source-count.ts";
import { WarmUp } from "../queue/warm-up.ts";
import type { Spool } from "../spool/spool.ts";
import { Sharing } from "../suppression/sharing.ts";
import { suppressBefore } from "../suppression/suppressing-courier.ts";
import { SuppressionList } from "../suppression/suppression-list.ts";
import { OutcomeWatch } from "./outcome-watch.ts";
import { peerKeys } from "./peer-keys.ts";

/** Attempts under way in one process, whatever the number of destinations: a bound on memory and sockets. */
const MAX_RUNNING = 10_000;

export interface MailQueueOptions extends Pick<QueueOptions, "courier" | "locator" | "random"> {
  readonly spool: Spool;
  readonly startup: EngineConfig["startup"];
  readonly doorkeeper: NonNullable<QueueOptions["doorkeeper"]>;
  /** Takes notices. */
  readonly intake: Intake;
  readonly events: Pick<Events, "note">;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => Settings;
  /** Which of the exclusive addresses are this engine's. */
  readonly holds: (address: string) => boolean;
}

export class MailQueue {
  readonly queue: Queue;
  readonly watch: OutcomeWatch;
  readonly suppression: SuppressionList;
  readonly sharing: Sharing;
  readonly #warmUp: WarmUp;
  readonly #sources: SourceCount;
  readonly #courier: MailQueueOptions["courier"];
  readonly #holds: MailQueueOptions["holds"];
  #retries: RetryRules | null = null;

  constructor(options: MailQueueOptions) {
    this.#courier = options.courier;
    const { clock, spool, settings, events } = options;
    this.#holds = options.holds;
    const { spool: place, admin } = options.startup;
    this.suppression = new SuppressionList({ ...options, folder: place.path });
    this.sharing = new Sharing({ ...options, list: this.suppression, keys: peerKeys(admin) });
    this.watch = new OutcomeWatch({ clock, events, list: this.suppression });
    this.#sources = new SourceCount(clock);
    this.queue = new Queue({
      ...options,
      courier: suppressBefore(countSources(options.courier, this.#sources), this.suppression, options.log),
      notifier: new MailNotifier({
        ...options,
        read: (id) => spool.read(id),
        hostname: () => settings().hostname,
        transportFor: (id) => settings().noticeTransports.get(id) ?? id,
      }),
      scheduleFor: (id, facts) =>
        this.#retries?.find(facts) ?? settings().schedules.get(id) ?? settings().defaultSchedule,
      maxRunning: MAX_RUNNING,
      sourcesFor: (id) => settings().transports.get(id)?.sourceIps ?? [],
      note: this.watch.note,
    });
    this.#warmUp = new WarmUp(this.queue.rules, clock);
  }

  /** Puts the rules of a configuration in place of those before. */
  applyRules(config: EngineConfig): void {
    const { rulebook, quotas, reactions } = this.queue;
    const lists: Lists = (field, name) => rulebook.lists.find(field, name);
    rulebook.configure(makeQueueRules(config, lists, this.#holds));
    this.#retries = makeRetryRules(config.app, lists);
    rulebook.watch("retries", this.#retries.watched);
    this.suppression.configure(config.app.suppression);
    this.watch.configure(config.app.bounces);
    quotas.configure(makeQuotas(config));
    reactions.configure(config.policy.reactions, this.watch.classify);
    this.#warmUp.configure(config.policy.warmup ?? null);
  }

  /** What warming up plans and has come to. */
  warmUp(): WarmUpView {
    return { since: this.#sources.since, ...this.#warmUp.show(), counts: this.#sources.counts() };
  }

  /** Lets running attempts end until the deadline; what they teach is kept. */
  async close(deadlineMs: number): Promise<void> {
    this.#warmUp.close();
    this.sharing.close();
    this.queue.close();
    await this.#courier.close(deadlineMs);
    this.suppression.close();
  }
}
