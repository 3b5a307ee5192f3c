/** What a script may say of how SMTP is spoken in an attempt, beside its TLS. Values only. */

export interface TalkChoice {
  /** The name to say hello with, from whatever address; null for the usual. */
  readonly helo: string | null;
  /** Null: as the transport says. */
  readonly isLmtp: boolean | null;
  /** Milliseconds by step; what is not named is as the transport says. */
  readonly timeouts: Readonly<Partial<Record<TimedStep, number>>>;
  /** Whom to sign on as (RFC 4954); null for nobody. */
  readonly login: SmtpLogin | null;
  /** Attributes of XCLIENT by name, said where the host takes them. */
  readonly xclient: readonly (readonly [name: string, value: string])[];
}

/** As delivery has them (Timeouts of delivery/transport.ts). */
export type TimedStep =
  | "connectMs"
  | "greetingMs"
  | "helloMs"
  | "tlsMs"
  | "mailMs"
  | "rcptMs"
  | "dataMs"
  | "endOfDataMs";

export interface SmtpLogin {
  readonly username: string;
  readonly password: string;
}
