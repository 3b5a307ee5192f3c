/**
 * One call of a hook's script while it runs: where its actions leave what they decided. It is the `subject` of the run, and the host
 * functions of actions.ts find it there. An action ends the script; the last decision before that counts.
 */
import { assert } from "#base/assert.ts";

import type { RunContext } from "../script/context.ts";
import type { Value, HslArray } from "../script/value.ts";
import type { AskedCopy } from "./mail-copy.ts";
import type { HookName } from "./stages.ts";

export type ActionKind =
  | "accept"
  | "reject"
  | "defer"
  | "reply"
  | "pass"
  | "disconnect"
  | "try"
  | "queue"
  | "bounce"
  | "delete"
  | "default";

export interface Action {
  readonly kind: ActionKind;
  readonly reason: Value;
  readonly options: HslArray | null;
}

const MAX_COPIES = 100_000;
const noCopies: readonly AskedCopy[] = [];
const nothingKept = (): Value => null;

export class HookRun {
  readonly hook: HookName;
  readonly #transaction: string;
  /** Null when the script ended without an action. */
  action: Action | null = null;
  /** Set by SetSender, SetRecipient, SetSenderIP, SetHELO: as options of an action that accepts. */
  changes: Map<string, Value> | null = null;
  readonly #keptMetadata: () => Value;
  #metadata: Value | undefined = undefined;
  #copies: AskedCopy[] | null = null;

  /** `keptMetadata` is made for scripts that ask for it. */
  constructor(hook: HookName, transaction = "", keptMetadata: () => Value = nothingKept) {
    this.hook = hook;
    this.#transaction = transaction;
    this.#keptMetadata = keptMetadata;
  }

  /** What SetMetaData wrote, or what was kept with the message; null where there is none. */
  get metadata(): Value {
    return this.#metadata === undefined ? this.#keptMetadata() : this.#metadata;
  }

  set metadata(value: Value) {
    this.#metadata = value;
  }

  get metadataIsChanged(): boolean {
    return this.#metadata !== undefined;
  }

  /** What queue() asked for at the end of data; stored when the script is done. */
  get copies(): readonly AskedCopy[] {
    return this.#copies ?? noCopies;
  }

  /** Copies are bounded: each is a place in the queue. */
  keep(copy: AskedCopy): { transaction: string; queue: string } | { error: string } {
    const copies = this.#copies;
    if (copies === null) this.#copies = [copy];
    else if (copies.length < MAX_COPIES) copies.push(copy);
    else return { error: "too many copies of one message" };
    return { transaction: this.#transaction, queue: String(this.copies.length) };
  }

  change(name: string, value: Value): void {
    this.changes ??= new Map();
    this.changes.set(name, value);
  }

  /** What an accepting script wants to be different, by name; null when it said nothing of it. */
  wish(name: string): Value {
    return this.action?.options?.get(name) ?? this.changes?.get(name) ?? null;
  }
}

/** The run that a host function was called in. Its functions are only in hosts of hooks. */
export function hookRun(context: RunContext): HookRun {
  const { subject } = context;
  assert(subject instanceof HookRun, "an action was called outside of a hook");
  return subject;
}
