/**
 * The ids that scripts hear of notices that are not there yet. An attempt has one for each kind of notice, since its recipients
 * share what is sent; it is drawn when a script looks, and goes with the outcome to whoever writes the notice, which then
 * has it in front of the scripts that see it on its way. It is no id of the spool: that one is drawn when the notice is stored.
 */
import { makeId } from "#base/ids.ts";

import type { Envelope } from "../message/envelope.ts";
import { type NoticeKind, wantsNotice, wantsToHear } from "../message/notice-wishes.ts";
import type { Outcome } from "../queue/courier.ts";

/** Of one attempt. */
export class NoticeIds {
  readonly #now: () => number;
  readonly #ids = new Map<NoticeKind, string>();

  /** `now` in wall-clock ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  of(kind: NoticeKind): string {
    const id = this.#ids.get(kind) ?? makeId(this.#now());
    this.#ids.set(kind, id);
    return id;
  }
}

/** What decides whether a recipient's sender is to get a notice. */
export interface Telling {
  readonly envelope: Envelope;
  /** Of the recipient in the envelope. */
  readonly index: number;
  readonly success: Outcome["success"];
  /** The wait that follows is one that the schedule tells of. */
  readonly tellsDelay: boolean;
}

/** What a script may hear of the notice about one recipient. */
export class ForetoldNotice {
  readonly #ids: NoticeIds;
  readonly #telling: Telling;
  #asked: Outcome["notice"] | undefined;

  constructor(ids: NoticeIds, telling: Telling) {
    this.#ids = ids;
    this.#telling = telling;
  }

  /** Null where the sender will get no notice of that kind; else gives its id. */
  readonly foretell = (kind: NoticeKind): (() => string) | null => {
    if (!isDue(kind, this.#telling)) return null;
    return () => {
      const transaction = this.#ids.of(kind);
      this.#asked = { kind, transaction };
      return transaction;
    };
  };

  /** The outcome with what the script has asked for. */
  on(outcome: Outcome): Outcome {
    return this.#asked === undefined ? outcome : { ...outcome, notice: this.#asked };
  }
}

function isDue(kind: NoticeKind, { envelope, index, success, tellsDelay }: Telling): boolean {
  if (envelope.sender === "") return false;
  if (kind === "relayed" || kind === "delivered") return wantsToHear(envelope, index, success);
  return wantsNotice(envelope, index, kind) && (kind === "failed" || tellsDelay);
}
