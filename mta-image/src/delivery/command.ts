/**
 * The commands we send. Every one is made by `commandLine`, which refuses control bytes, so nothing that came
 * from outside can end a line early and run as a command of its own (GHSA-c7w3-x93f-qmm8 and its kin).
 *
 * Refusing is a thrown Failure `unsafe-command`; senders check addresses with `isSendableAddress` first, so the
 * exception means a bug.
 */
import { Failure } from "#base/error.ts";

import { withAsciiDomain } from "../message/envelope.ts";
import type { NoticeWishes, RecipientWishes } from "../message/notice-wishes.ts";
import type { TimeLeft } from "../queue/courier.ts";
import type { SaidParameters } from "../smtp/said-parameters.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const PRINTABLE = /^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$/;

/** RFC 5321 4.5.3.1.3 allows 256; more is passed on, but not without end. */
const LONGEST_ADDRESS = 1000;

export function commandLine(text: string): string {
  if (!PRINTABLE_ASCII.test(text) && !PRINTABLE.test(text)) {
    throw new Failure("unsafe-command", "a command would hold control bytes", { transient: false });
  }
  return `${text}\r\n`;
}

export interface MailParameters {
  /** Null leaves SIZE out (RFC 1870). */
  readonly sizeBytes: number | null;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  /** What the sender said about notices; null where the host would not know what to do with it (RFC 3461 5.2.1). */
  readonly dsn: NoticeWishes | null;
  readonly requireTls: boolean;
  /** RFC 2852, in seconds from now; null where nobody asked or the host does not keep it. */
  readonly deliverBy: TimeLeft | null;
  /** RFC 6710; 0 is not said. */
  readonly priority: number;
}

/** What follows from the message as it is sent, whatever a script says. */
const OUR_WORDS: ReadonlySet<string> = new Set(["SIZE", "BODY", "SMTPUTF8", "REQUIRETLS"]);

/** `said`: what a script wants behind the address in place of what the sender asked for. */
export function mailCommand(
  sender: string,
  parameters: MailParameters,
  said: SaidParameters | null = null,
): string {
  let text = `MAIL FROM:<${sender}>`;
  if (parameters.sizeBytes !== null) text += ` SIZE=${parameters.sizeBytes}`;
  if (parameters.eightBit) text += " BODY=8BITMIME";
  if (parameters.smtpUtf8) text += " SMTPUTF8";
  if (parameters.requireTls) text += " REQUIRETLS";
  if (said !== null) return commandLine(text + saidWords(said));
  if (parameters.deliverBy !== null) text += byParameter(parameters.deliverBy);
  if (parameters.priority !== 0) text += ` MT-PRIORITY=${parameters.priority}`;
  const { ret = null, envid = null } = parameters.dsn ?? {};
  if (ret !== null) text += ` RET=${ret}`;
  if (envid !== null) text += ` ENVID=${envid}`;
  return commandLine(text);
}

function saidWords(said: SaidParameters): string {
  const words = Object.entries(said).filter(([name]) => !OUR_WORDS.has(name));
  return words.map(([name, value]) => (value === "" ? ` ${name}` : ` ${name}=${value}`)).join("");
}

function byParameter({ seconds, mode, trace }: TimeLeft): string {
  return ` BY=${seconds};${mode === "return" ? "R" : "N"}${trace ? "T" : ""}`;
}

export function rcptCommand(
  recipient: string,
  wishes: RecipientWishes | null = null,
  said: SaidParameters | null = null,
): string {
  let text = `RCPT TO:<${recipient}>`;
  if (said !== null) return commandLine(text + saidWords(said));
  if (wishes !== null && wishes.notify !== null) text += ` NOTIFY=${wishes.notify.join(",")}`;
  if (wishes !== null && wishes.orcpt !== null) text += ` ORCPT=${wishes.orcpt}`;
  return commandLine(text);
}

/** No space and no bracket: what nearly every address looks like. */
const PLAIN = /^[\x21-\x3b\x3d\x3f-\x7e]*$/;
const PLAIN_UTF8 = /^[^\x00-\x20<>\x7f-\x9f\u2028\u2029]*$/;
/** Spaces and brackets may stand in a quoted local part only, else they would read as parameters. */
const QUOTED =
  /^"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]|\\[\x20-\x7e])*"@[^\x00-\x20<>"\x7f-\x9f\u2028\u2029]+$/;

/** Whether an address can stand between the brackets of a path without ending it. */
export function isSendableAddress(address: string): boolean {
  if (address.length > LONGEST_ADDRESS) return false;
  return PLAIN.test(address) || PLAIN_UTF8.test(address) || QUOTED.test(address);
}

/** Whether an address can only go to hosts that offer SMTPUTF8 (RFC 6531 3.2): others are told its domain in A-labels. */
export function isUtf8Address(address: string): boolean {
  return !PRINTABLE_ASCII.test(address) && !PRINTABLE_ASCII.test(withAsciiDomain(address));
}
