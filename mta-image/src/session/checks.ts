/**
 * What a session asks about its client and the mail, at four moments. Whoever answers decides alone what is asked
 * of whom; null means that there is nothing to say. A promise always resolves, within a bound that
 * the answerer keeps: trouble of its own is an answer, never a rejection.
 */
import type { IntakeResult } from "../intake/intake.ts";

export interface ClientFacts {
  readonly ip: string;
}

export interface SenderFacts extends ClientFacts {
  readonly helo: string;
  /** By AUTH. */
  readonly isLoggedIn: boolean;
  /** "" for a notice. */
  readonly sender: string;
}

export type Ruling =
  /** `fields` are whole header fields, each with CRLF, to stand in front of the message; "" for none. */
  | { readonly kind: "accept"; readonly fields: string }
  | { readonly kind: "refuse"; readonly reply: Extract<IntakeResult, { kind: "refused" }>["reply"] };

/** The bytes of one message as they arrive. Exactly one of `end` and `abort` is called last. */
export interface ContentCheck {
  /** Looks at a piece at once; never throws. */
  write(piece: Buffer): void;
  end(): Promise<Ruling>;
  abort(): void;
}

export interface Checks {
  /** Before the greeting, where nobody can log in. A refusal ends the connection. */
  connect(facts: ClientFacts): Promise<Ruling> | null;
  /** After AUTH. A refusal ends the connection. */
  authenticated(facts: ClientFacts): Promise<Ruling> | null;
  /** At MAIL. */
  mailFrom(facts: SenderFacts): Promise<Ruling> | null;
  /** From the first byte of the content to its end. The fields of its ruling speak for all moments. */
  content(facts: SenderFacts): ContentCheck | null;
}
