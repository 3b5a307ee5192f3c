/**
 * The courier with scripts around each attempt: every recipient is asked about before it (hooks/queue-hooks.ts); those that are tried in the
 * same way go on as one attempt; afterwards each outcome is shown to a script, which may turn it into another try, a
 * failure or nothing. Without scripts an attempt passes untouched. Never rejects. A recipient that was delivered stays
 * so, whatever a script says.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import type { BeforeAnswer, QueueHooks, RecipientFacts, Refusal, ScriptValue } from "../hooks/queue-hooks.ts";
import { type EnvelopeWish, type TryWish, wayKey, wishKey } from "../hooks/try-wish.ts";
import { domainOf } from "../message/envelope.ts";
import type { Attempt, AttemptWait, AttemptWish, Courier, Outcome, PluginOrder } from "../queue/courier.ts";
import { expiredStatus, isTooLate } from "../queue/deadline.ts";
import { type RetrySchedule, tellsDelay } from "../queue/retry.ts";
import type { Content } from "../spool/spool.ts";
import type { BindNonlocal } from "./connect-to.ts";
import { ForetoldNotice, NoticeIds } from "./foretold-notice.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import { messageSource } from "./message-source.ts";
import { changed, givenBack, insteadOfTry, withMetadata } from "./scripted-outcome.ts";

export interface HookedCourierOptions {
  readonly inner: Courier;
  readonly hooks: QueueHooks;
  readonly clock: Clock;
  readonly read: (id: string) => Promise<Content>;
  /** A source address by its name in the configuration, or as it is; null for what is neither. */
  readonly sourceAddress: (name: string) => string | null;
  /** Who binds a source address that this system need not have. */
  readonly bind: BindNonlocal;
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
    const facts = this.#factsOf(attempt, 0);
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
        const item = { position, facts: this.#factsOf(attempt, position), before: returned };
        const made = await this.#after(item, { attempt, outcome, durationMs: 0, ids, isTooLate: true });
        return made.kind === "failed" ? made : outcome;
      }),
    );
  }

  async #deliverAsked(attempt: Attempt): Promise<readonly Outcome[]> {
    const { clock } = this.#options;
    const items = await Promise.all(
      attempt.recipients.map(async (_, position): Promise<Item> => {
        const facts = this.#factsOf(attempt, position);
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
    const resolved = this.#resolve(wish);
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

  /** The name of an address that is not there. */
  #resolve(wish: TryWish): AttemptWish | string {
    const sources: { ip: string; helo: string | null }[] = [];
    for (const { source, helo } of wish.sources) {
      const ip = this.#options.sourceAddress(source);
      if (ip === null) return source;
      sources.push({ ip, helo });
    }
    const { transportId, server, port, tlsMode, exchangers, tls, talk, isSourceOrdered } = wish;
    const { recipient, senderParameters, recipientParameters } = wish.envelope;
    const isSaid = senderParameters !== null || recipientParameters !== null;
    const domain = wish.domain ?? (recipient === null ? null : domainOf(recipient));
    const place = { key: wayKey(wish), transportId, server, port };
    return {
      ...place,
      tlsMode,
      sources,
      isSourceOrdered,
      ...(wish.isNonlocal ? { bind: this.#options.bind } : {}),
      ...(exchangers === null ? {} : { exchangers }),
      ...(domain === null ? {} : { domain }),
      ...(tls === null ? {} : { tls }),
      ...(talk === null ? {} : { talk }),
      ...(isSaid ? { said: { sender: senderParameters, recipient: recipientParameters } } : {}),
    };
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
    const tried = withWish({ ...facts, metadata }, before.kind === "try" ? before.wish : null);
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

  #factsOf(
    { message, recipients, destination, retries, metadata }: Attempt,
    position: number,
  ): RecipientFacts {
    const index = recipients[position] as number;
    const { id, envelope, receivedAt, origin, sizeBytes } = message;
    const { marks, dsn } = envelope;
    return {
      transaction: marks?.transaction ?? id,
      queueId: (marks?.first ?? 1) + index,
      receivedAt,
      serverId: origin.serverId,
      sender: envelope.sender,
      recipient: envelope.recipients[index] ?? "",
      transportId: destination.transportId,
      tenantId: destination.tenantId ?? envelope.tenantId ?? "",
      jobId: destination.jobId ?? envelope.jobId ?? "",
      priority: envelope.priority ?? 0,
      sizeBytes,
      envid: dsn?.envid ?? null,
      ret: dsn?.ret ?? null,
      notify: dsn?.recipients[index]?.notify ?? null,
      orcpt: dsn?.recipients[index]?.orcpt ?? null,
      content: messageSource(sizeBytes, () => this.#options.read(id)),
      retry: retries?.[position] ?? 0,
      metadata: metadata?.[position] ?? marks?.metadata ?? {},
    };
  }
}

/**
 * Those that are treated alike; a plugin's arguments are a script's own values and never the same, and recipients that
 * get the same address stay mails of their own.
 */
function groupsOf(items: readonly Item[]): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const { before } = item;
    const wish = before.kind === "try" ? before.wish : null;
    const isOwn = wish !== null && (wish.plugin !== null || wish.envelope.recipient !== null);
    const isAlone = before.kind !== "try" || isOwn;
    const key = isAlone ? `alone ${item.position}` : wish === null ? "" : wishKey(wish);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

/** The message as it is sent in this attempt. */
function withEnvelope(attempt: Attempt, { sender, recipient, jobId }: EnvelopeWish): Attempt {
  const { message, destination, recipients: tried } = attempt;
  const { id, receivedAt, envelope, origin, sizeBytes } = message;
  const changed = {
    ...envelope,
    ...(sender === null ? {} : { sender }),
    ...(recipient === null
      ? {}
      : { recipients: envelope.recipients.map((one, index) => (tried.includes(index) ? recipient : one)) }),
  };
  const { recipients } = message;
  return {
    ...attempt,
    message: { id, receivedAt, envelope: changed, origin, sizeBytes, recipients },
    destination: jobId === null ? destination : { ...destination, jobId },
  };
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

/** What postdelivery hears of a message: as it was sent. */
function withWish(facts: RecipientFacts, wish: TryWish | null): RecipientFacts {
  if (wish === null) return facts;
  const { sender, recipient, jobId } = wish.envelope;
  return {
    ...facts,
    sender: sender ?? facts.sender,
    recipient: recipient ?? facts.recipient,
    jobId: jobId ?? facts.jobId,
    transportId: wish.transportId ?? facts.transportId,
  };
}
