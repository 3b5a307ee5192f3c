/**
 * The hooks around an attempt: before it, predelivery says how (or whether) a recipient is tried; after it, postdelivery says what
 * comes of the outcome. Whoever delivers asks here and gets plain values. Nothing is asked where there is no script. Never
 * throws and never rejects: a script that fails puts the recipient off (or counts as none, by `onerror`), and after an
 * attempt it changes nothing, for what was delivered must not be tried again.
 */
import { makeFile } from "../script/library/file.ts";
import { type ByteSource, Pieces } from "../script/mail/pieces.ts";
import { onlyData } from "../script/only-data.ts";
import { type Value, HslArray } from "../script/value.ts";
import { type AttemptFacts, type Refusal, attemptArguments, queueTree } from "./attempt-tree.ts";
import type { NoticeWords } from "../message/notice-words.ts";
import { HookRun } from "./hook-run.ts";
import { noticeWords } from "./notice-words.ts";
import { type QueueWish, queueOfFailed, queueWish } from "./queue-wish.ts";
import type { Outcome } from "../script/machine.ts";
import type { HookRunner } from "./runner.ts";
import type { HookScript, Scripts } from "./scripts.ts";
import { type Configured, type TryWish, tryWish } from "./try-wish.ts";
import { addressTree, arrayOf, arrayOfTexts, bytesOf, listOf, textOf } from "./texts.ts";
import { linesOf } from "./wording.ts";

export type { Refusal } from "./attempt-tree.ts";

/** A value of a script, for rooms that only pass it on. */
export type ScriptValue = Value;

/** A recipient of a queued message. */
export interface RecipientFacts {
  readonly transaction: string;
  readonly queueId: number;
  readonly receivedAt: number;
  readonly serverId: string;
  readonly sender: string;
  readonly recipient: string;
  readonly transportId: string;
  readonly tenantId: string;
  readonly jobId: string;
  readonly priority: number;
  readonly sizeBytes: number;
  readonly envid: string | null;
  readonly ret: string | null;
  readonly notify: readonly string[] | null;
  readonly orcpt: string | null;
  readonly content: ByteSource;
  /** Attempts before this one. */
  readonly retry: number;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Common {
  /** As the script left it, for postdelivery. */
  readonly context: Value;
  /** Null: as it was. */
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** What the script wants to be said; null for what would be said without it. */
interface Said {
  readonly reason: string | null;
  readonly words: NoticeWords | null;
}

type Queued = { readonly kind: "queue" } & QueueWish & Said;

export type BeforeAnswer = Common &
  (
    | { readonly kind: "try"; readonly wish: TryWish | null }
    | Queued
    | ({ readonly kind: "bounce" | "delete" } & Said)
  );

export type AfterAnswer = Common &
  (
    | { readonly kind: "default" }
    | Queued
    | ({ readonly kind: "bounce" } & Said)
    | { readonly kind: "delete" }
  );

export class QueueHooks {
  readonly #scripts: () => Scripts;
  readonly #runner: HookRunner;

  readonly #configured: Configured;

  constructor(scripts: () => Scripts, runner: HookRunner) {
    this.#scripts = scripts;
    this.#configured = {
      hasTransport: (id) => runner.hasTransport(id),
      certificate: (id) => runner.certificate(id),
    };
    this.#runner = runner;
  }

  /** Somebody wants to be asked. */
  get isAsked(): boolean {
    const { predelivery, postdelivery } = this.#scripts();
    return predelivery !== null || postdelivery !== null;
  }

  /** Scripts name what they hear of an attempt: it has to be noted. */
  get isWatching(): boolean {
    return this.#scripts().postdelivery?.compiled.used.has("arguments") ?? false;
  }

  /** `refusal`: the recipient was sent back at a door of the queue. */
  async before(facts: RecipientFacts, refusal?: Refusal): Promise<BeforeAnswer> {
    const script = this.#scripts().predelivery;
    const untouched = { context: null, metadata: null };
    if (script === null) return { kind: "try", wish: null, ...untouched };
    const given = (): HslArray => arrayOf({ retry: facts.retry, ...queueTree(refusal) });
    const run = runOf(script, facts);
    const outcome = await this.#run(script, { run, facts, given, context: null });
    if (outcome.error !== null) return { ...failed(script), ...untouched };
    return { ...this.#decided(script, run, facts), ...left(run, outcome) };
  }

  async after(facts: RecipientFacts, attempt: AttemptFacts, context: Value): Promise<AfterAnswer> {
    const script = this.#scripts().postdelivery;
    if (script === null) return { kind: "default", context, metadata: null };
    const given = (): HslArray => attemptArguments(facts.retry, attempt);
    const run = runOf(script, facts);
    const outcome = await this.#run(script, { run, facts, given, context });
    if (outcome.error !== null) return { kind: "default", context, metadata: null };
    const { kind, options } = run.action ?? { kind: "default", options: null };
    const common = left(run, outcome);
    if (kind === "queue")
      return { ...(this.#queued(script, options, facts) ?? { kind: "default" }), ...common };
    if (kind === "bounce") return { kind, ...this.#said(script, options, facts), ...common };
    return { kind: kind === "delete" ? kind : "default", ...common };
  }

  #decided(script: HookScript, { action }: HookRun, facts: RecipientFacts): BeforeDecision {
    const { kind, options } = action ?? { kind: "try", options: null };
    if (kind === "queue") return this.#queued(script, options, facts) ?? failed(script);
    if (kind === "bounce") return { kind, ...this.#said(script, options, facts) };
    if (kind === "delete") return { kind, reason: reasonOf(options), words: null };
    const wish = options === null ? null : tryWish(options, this.#configured);
    if (typeof wish !== "string") return { kind: "try", wish };
    this.#complain(script, wish, facts);
    return failed(script);
  }

  /** Null for a wish that makes no sense, which is complained of. */
  #queued(script: HookScript, options: HslArray | null, facts: RecipientFacts): Queued | null {
    const wish = queueWish(options, this.#configured.hasTransport);
    if (typeof wish !== "string") return { kind: "queue", ...wish, ...this.#said(script, options, facts) };
    this.#complain(script, wish, facts);
    return null;
  }

  /** Words that make no sense are complained of, and the notice says the usual: it must not be lost. */
  #said(script: HookScript, options: HslArray | null, facts: RecipientFacts): Said {
    const words = noticeWords(options);
    if (typeof words === "string") this.#complain(script, words, facts);
    return { reason: reasonOf(options), words: typeof words === "string" ? null : words };
  }

  #complain(script: HookScript, what: string, { transaction }: RecipientFacts): void {
    this.#runner.complain(script, what, { message: transaction });
  }

  /** Only what the script names is made. */
  #run(
    script: HookScript,
    what: {
      readonly run: HookRun;
      readonly facts: RecipientFacts;
      readonly given: () => HslArray;
      readonly context: Value;
    },
  ): Outcome | Promise<Outcome> {
    const { run, facts, given, context } = what;
    const { used } = script.compiled;
    const { transaction } = facts;
    const world = this.#runner.world({ message: transaction }, () => transaction);
    const variables = {
      arguments: used.has("arguments") ? given() : null,
      message: used.has("message") ? messageTree(facts) : null,
      context,
    };
    return this.#runner.run(script, { world, limits: script.limits, variables, subject: run });
  }
}

function runOf({ hook }: HookScript, { metadata }: RecipientFacts): HookRun {
  return new HookRun(hook, "", () => arrayOfTexts(metadata));
}

function left(run: HookRun, outcome: Outcome): Common {
  return {
    context: onlyData(outcome.variable("context")),
    metadata: run.metadataIsChanged && run.metadata instanceof HslArray ? textsOf(run.metadata) : null,
  };
}

type BeforeDecision =
  | { readonly kind: "try"; readonly wish: TryWish | null }
  | Queued
  | ({ readonly kind: "bounce" | "delete" } & Said);

/** "reject" would lose mail over a slip of a script: whatever failed before an attempt is tried again. */
function failed({ onError }: HookScript): BeforeDecision {
  return onError === "accept"
    ? { kind: "try", wish: null }
    : { kind: "queue", ...queueOfFailed, reason: "Put off by a script that failed", words: null };
}

function messageTree(facts: RecipientFacts): HslArray {
  const { envid, ret, notify, orcpt } = facts;
  const file = makeFile(Pieces.over(facts.content));
  return arrayOf({
    id: { transaction: facts.transaction, queue: facts.queueId },
    ts: facts.receivedAt / 1000,
    serverid: facts.serverId,
    sender: bytesOf(facts.sender).toLowerCase(),
    senderaddress: addressTree(facts.sender),
    recipient: bytesOf(facts.recipient).toLowerCase(),
    recipientaddress: addressTree(facts.recipient),
    transportid: facts.transportId,
    tenantid: facts.tenantId === "" ? undefined : bytesOf(facts.tenantId),
    jobid: facts.jobId === "" ? undefined : bytesOf(facts.jobId),
    priority: facts.priority,
    size: facts.sizeBytes,
    file: { original: file, modified: file },
    dsn: {
      ...(envid === null ? {} : { envid }),
      ...(ret === null ? {} : { ret }),
      ...(notify === null ? {} : { notify: listOf(notify) }),
      ...(orcpt === null ? {} : { orcpt }),
    },
  });
}

function reasonOf(options: HslArray | null): string | null {
  return linesOf(options?.get("reason") ?? null)?.join(" ") ?? null;
}

function textsOf(data: HslArray): Record<string, string> {
  return Object.fromEntries(
    [...data.entries()].map(([key, item]) => [textOf(String(key)), textOf(String(item))]),
  );
}
