/**
 * The seam between the queue and whoever tells the sender (RFC 3464). The queue owns it; `dsn/mail-notifier.ts`
 * implements it by sending a notice through intake.
 */
import type { NoticeKind } from "../message/notice-wishes.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import type { Outcome } from "./courier.ts";

export interface Notice {
  readonly kind: NoticeKind;
  readonly message: SpooledMessage;
  readonly recipients: readonly { readonly index: number; readonly outcome: Outcome }[];
  /** For a delay: until when delivery is tried, wall-clock ms. */
  readonly retryUntil: number | null;
  /** What scripts were told of it in advance (Outcome.notice): they find it under this id. Absent: nothing. */
  readonly transaction?: string;
}

export interface Notifier {
  /**
   * Resolves when the notice is durable, or when none is due (null sender, a sender that
   * does not want it). Rejects when the spool refuses;
   * the queue then keeps the entry and asks again later, so a failure is never silent.
   */
  notify(notice: Notice): Promise<void>;
}
