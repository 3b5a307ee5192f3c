/**
 * The courier with scripts around each attempt: every recipient is asked about before it (hooks/queue-hooks.ts); those that are tried in the
 * same way go on as one attempt; afterwards each outcome is shown to a script, which may turn it into another try, a
 * failure or nothing. Without scripts an attempt passes untouched. Never rejects. A recipient that was delivered stays
 * so, whatever a script says.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import type { BeforeAnswer, QueueHooks, RecipientFacts, Refusal, ScriptValue } from "../hooks/queue-hooks.ts";
import type { TryWish } from "../hooks/try-wish.ts";
import type { Attempt, AttemptWait, Courier, Outcome, PluginOrder } from "../queue/courier.ts";
import { expiredStatus, isTooLate } from "../queue/deadline.ts";
import { type RetrySchedule, tellsDelay } from "../queue/retry.ts";
import type { Content } from "../spool/spool.ts";
import { ForetoldNotice, NoticeIds } from "./foretold-notice.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import { asSent, recipientFacts } from "./recipient-facts.ts";
import { changed, givenBack, insteadOfTry, withMetadata } from "./scripted-outcome.ts";
import { type WayOptions, attemptWish, groupsOf, withEnvelope } from "./wished-attempt.ts";

export interface HookedCourierOptions extends WayOptions {
  readonly inner: Courier;
  readonly hooks: QueueHooks;
  readonly clock: Clock;
  readonly read: (id: string) => Promise<Content>;
  /** The name that the configuration has for an address; null where it has none. */
  readonly addressId: (ip: string) => string | null;
  readonly scheduleOf: (mail: RecipientFacts, source: string) => RetrySchedule;
  /** What a plugin is given, and how what it gives back looks to scripts. */
  readonly plugins: {
    order(id: string, args: ScriptValue): PluginOrder;
    value(wire: unknown): ScriptValue;
  };
}

/** What the script before attempts would have said of a recipient whose time is over. */
const returned: BeforeAnswer = { kind: "bounce", reason: null, words: null, context: null, metadata: null };

/** One recipient on its way through an attempt. */
interface Item {
  readonly position: number;
  readonly facts: RecipientFacts;
  readonly before: BeforeAnswer;
}

/** What was done for a recipient. */
interface Did {
  readonly attempt: Attempt;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Of the attempt. */
  readonly ids: NoticeIds;
  readonly refusal?: Refusal;
  /** It was not made: the sender's time is over. */
  readonly isTooLate?: boolean;
}

export class HookedCourier implements Courier {
  readonly #options: HookedCourierOptions;

  constructor(options: HookedCourierOptions) {
    this.#options = options;
  }

  get attemptsPerDestination(): number {
    return this.#options.inner.attemptsPerDestination;
  }

  close(deadlineMs: number): Promise<void> {
    return this.#options.inner.close(deadlineMs);
  }

  waitOf(messageId: string, recipient: number): AttemptWait | null {
    return this.#options.inner.waitOf?.(messageId, recipient) ?? null;
  }

  deliver(attempt: Attempt): Promise<readonly Outcome[]> {
    const { inner, hooks } = this.#options;
    return hooks.isAsked ? this.#deliverAsked(attempt) : inner.deliver(attempt);
  }

  /**
   * The script before attempts is asked once more, and told what was said at the door. Where it would try, nothing can be
   * tried, and the script behind attempts hears of one that a plugin has put off.
   */
  async refused(attempt: Attempt, value: unknown): Promise<Outcome | null> {
    const { hooks, plugins, clock } = this.#options;
    if (!hooks.isAsked) return null;
    const refusal = { pluginReturn: plugins.value(value) };
    const facts = recipientFacts(attempt, 0, this.#options.read);
    const before = await hooks.before(facts, refusal);
    const made = before.kind === "try" ? givenBack : insteadOfTry(before);
    const tried = { attempt, outcome: made, durationMs: 0, ids: new NoticeIds(() => clock.now()), refusal };
    const outcome = await this.#after({ position: 0, facts, before }, tried);
    return outcome === givenBack ? null : outcome;
  }

  /** As of recipients that the script before attempts returns. They may be dropped and worded, but get no other try. */
  expired(attempt: Attempt, outcome: Outcome): Promise<readonly Outcome[]> {
    const { hooks, clock } = this.#options;
    const ids = new NoticeIds(() => clock.now());
    return Promise.all(
      attempt.recipients.map(async (_, position) => {
        if (!hooks.isAsked) return outcome;
        const item = {
          position,
          facts: recipientFacts(attempt, position, this.#options.read),
          before: returned,
        };
        const made = await this.#after(item, { attempt, outcome, durationMs: 0, ids, isTooLate: true });
        return made.kind === "failed" ? made : outcome;
      }),
    );
  }

  async #deliverAsked(attempt: Attempt): Promise<readonly Outcome[]> {
    const { clock } = this.#options;
    const items = await Promise.all(
      attempt.recipients.map(async (_, position): Promise<Item> => {
        const facts = recipientFacts(attempt, position, this.#options.read);
        return { position, facts, before: await this.#options.hooks.before(facts) };
      }),
    );
    const startedAt = clock.monotonic();
    const ids = new NoticeIds(() => clock.now());
    const outcomes = new Array<Outcome>(items.length);
    await Promise.all(
      groupsOf(items).map(async (group) => {
        const made = await this.#tryGroup(attempt, group);
        const durationMs = clock.monotonic() - startedAt;
        await Promise.all(
          group.map(async (item, at) => {
            const outcome = made[at] ?? outcomeOfTrouble("internal", "");
            outcomes[item.position] = await this.#after(item, { attempt, outcome, durationMs, ids });
          }),
        );
      }),
    );
    return outcomes;
  }

  async #tryGroup(attempt: Attempt, group: readonly Item[]): Promise<readonly Outcome[]> {
    const [{ before }] = group as readonly [Item];
    if (before.kind !== "try") return group.map(() => insteadOfTry(before));
    const { wish } = before;
    const part: Attempt = {
      ...attempt,
      isWatched: this.#options.hooks.isWatching,
      recipients: group.map(({ position }) => attempt.recipients[position] as number),
      retries: group.map(({ facts }) => facts.retry),
    };
    if (wish === null) return this.#options.inner.deliver(part);
    return this.#tryWished(withEnvelope(part, wish.envelope), wish);
  }

  async #tryWished(part: Attempt, wish: TryWish): Promise<readonly Outcome[]> {
    const resolved = attemptWish(wish, this.#options);
    if (typeof resolved === "string") {
      const trouble = outcomeOfTrouble("no-source-id", "", `there is no address "${resolved}"`);
      return part.recipients.map(() => trouble);
    }
    if (wish.plugin === null) return this.#options.inner.deliver({ ...part, wish: resolved });
    try {
      const plugin = this.#options.plugins.order(wish.plugin.id, wish.plugin.args);
      return await this.#options.inner.deliver({ ...part, wish: resolved, plugin });
    } catch (error) {
      // Arguments that no plugin can be given.
      return part.recipients.map(() => outcomeOfTrouble("internal", "", describe(error)));
    }
  }

  async #after(item: Item, did: Did): Promise<Outcome> {
    const { facts, before } = item;
    const { attempt, outcome, durationMs, refusal } = did;
    // Nothing was tried and nothing is over: there is nothing to be told of.
    if (before.kind === "queue") return withMetadata(outcome, before.metadata);
    const { hooks, scheduleOf, plugins } = this.#options;
    const { kind, plugin } = outcome;
    const decided = before.kind === "try" ? null : before.kind;
    const isPutOff = kind === "deferred" || kind === "unclear";
    const schedule = isPutOff ? scheduleOf(facts, attempt.terms?.source ?? "") : null;
    const expiry = schedule === null ? null : this.#expiryOf(attempt, facts, schedule);
    const notice = foretoldNotice(item, did, schedule);
    const { foretell } = notice;
    const pluginReturn = plugin === undefined ? undefined : plugins.value(plugin.ret);
    const { addressId: localIpId } = this.#options;
    const rules = hooks.isWatching && decided === null ? (attempt.rules?.() ?? null) : null;
    const made = { durationMs, pluginReturn, localIpId, rules, refusal };
    const isExpired = expiry !== null || did.isTooLate === true;
    const attempted = {
      ...{ outcome, decided, isExpired, foretell, ...made },
      ...(expiry === null ? {} : { expiredStatus: expiry }),
    };
    const metadata = before.metadata ?? facts.metadata;
    const tried = asSent({ ...facts, metadata }, before.kind === "try" ? before.wish : null);
    const after = await hooks.after(tried, attempted, before.context);
    return withMetadata(notice.on(changed(outcome, after)), after.metadata ?? before.metadata);
  }

  /** The status of a recipient that is put off and gets no other try; null where another follows. */
  #expiryOf(
    { message: { envelope } }: Attempt,
    { retry }: RecipientFacts,
    { count }: RetrySchedule,
  ): string | null {
    const now = this.#options.clock.now();
    return retry >= count || isTooLate(envelope, now) ? expiredStatus(envelope, now) : null;
  }
}

/** `schedule`: of a recipient that is put off. */
function foretoldNotice(
  { position, facts }: Item,
  { attempt, outcome, ids }: Did,
  schedule: RetrySchedule | null,
): ForetoldNotice {
  return new ForetoldNotice(ids, {
    envelope: attempt.message.envelope,
    index: attempt.recipients[position] as number,
    success: outcome.success,
    tellsDelay: schedule !== null && tellsDelay(schedule, facts.retry + 1),
  });
}
