/**
 * Part of a session that belongs together: its opening, or one transaction. Keeps the latest lines within bounds for
 * readers who only learn later that it is theirs, and reads from the commands whose mail it is.
 */
import type { TraceLine } from "#contract/trace-api.ts";

const MOST_LINES = 200;
const MOST_CHARACTERS = 16_384;
const MOST_RECIPIENTS = 1000;

export class Part {
  /** 0 for the opening. */
  readonly number: number;
  /** Null: not known. */
  messageId: string | null;
  sender: string | null = null;
  readonly recipients: string[] = [];
  readonly lines: TraceLine[] = [];
  /** Lines that did not fit. */
  omitted = 0;
  #characters = 0;

  constructor(number: number, messageId: string | null) {
    this.number = number;
    this.messageId = messageId;
  }

  keep(line: TraceLine): void {
    if (this.lines.length >= MOST_LINES || this.#characters + line.text.length > MOST_CHARACTERS) {
      this.omitted++;
      return;
    }
    this.#characters += line.text.length;
    this.lines.push(line);
  }

  /** Takes the address of a MAIL or RCPT command. */
  read(command: string): void {
    const [, verb = "", address = ""] = PATH.exec(command) ?? [];
    if (verb === "") return;
    if (/^mail/i.test(verb)) this.sender = address;
    else if (this.recipients.length < MOST_RECIPIENTS) this.recipients.push(address);
  }
}

const PATH = /^(MAIL FROM|RCPT TO): ?<([^>]*)>/i;
const QUEUED = /^250 2\.0\.0 Ok: queued as ([0-9A-Z]{26})/;

/** The id in our own reply to a message that came in; null in any other. */
export function queuedId(reply: string): string | null {
  return QUEUED.exec(reply)?.[1] ?? null;
}
