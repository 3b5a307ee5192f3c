/**
 * The one door into the spool. Whatever the source, a message passes here: loop check, trace field, spool,
 * queue. Only what must hold for every queued message is done here.
 */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Reply } from "../smtp/reply.ts";

export interface Accepted {
  readonly kind: "accepted";
  readonly id: string;
  /** What to say in place of the usual reply. */
  readonly said?: Reply;
}

export interface Refused {
  readonly kind: "refused";
  /** The SMTP answer, e.g. { code: 452, enhanced: "4.3.1", text: "Insufficient system storage" }. */
  readonly reply: { readonly code: number; readonly enhanced: string; readonly text: string };
  /** The same in other words, perhaps on several lines. */
  readonly said?: Reply;
  /** The disk has no room: nothing about the mail or the configuration is wrong. */
  readonly isDiskFull?: true;
}

export type IntakeResult = Accepted | Refused;

/** A message on its way in. Exactly one of commit and abort ends it. */
export interface Reception {
  readonly id: string;
  /**
   * Takes content bytes (CRLF form, unstuffed). Null means "go on"; a promise asks the caller to stop reading
   * until it resolves (large mail waits for its file). Never rejects: a spool failure shows at commit.
   */
  write(chunk: Buffer): Promise<void> | null;
  /**
   * Resolves when it is safe to say 250, or with the refusal. Never rejects. `fields` are whole header fields, each
   * with CRLF, that go in front of all others. `isPlain`: whoever wrote the content has seen that each line ends in CRLF
   * and none begins with a dot, so that it may leave us without being looked at again.
   */
  commit(fields?: string, isPlain?: boolean): Promise<IntakeResult>;
  abort(): void;
}

export interface Intake {
  begin(envelope: Envelope, origin: Origin): Reception;
}
