/** What was heard and said last on a connection: for a script at disconnect, and for what may follow. Pure; never fails. */
import { type Command, mayHaveMore } from "../smtp/command.ts";
import type { Reply } from "../smtp/reply.ts";

export class LastWords {
  reply: Reply | null = null;
  /** What `reply` answers: CONNECT, a command where a script wants to know at the end (`name`), or EOD. */
  state = "CONNECT";
  #word = "CONNECT";
  /** Null within content and behind it. */
  #command: Command | null = null;

  heard(command: Command): void {
    this.#command = command;
  }

  /** What the command is called, which was heard in the line from `start` to `end`. */
  name(command: Command, line: Buffer, start: number, end: number): void {
    this.#word = verbs[command.kind] ?? verbOf(line, start, end);
  }

  heardContent(): void {
    this.#command = null;
    this.#word = "EOD";
  }

  said(reply: Reply): void {
    this.reply = reply;
    this.state = reply.code === 354 ? "DATA" : this.#word;
  }

  /** Whether the client may send before it hears of its last command (RFC 2920 3.1). */
  mayComeAhead(isExtended: boolean): boolean {
    return this.#command === null ? isExtended : mayHaveMore(this.#command, isExtended);
  }
}

/** Of commands that have one verb only. */
const verbs: Readonly<Partial<Record<Command["kind"], string>>> = {
  mail: "MAIL",
  rcpt: "RCPT",
  data: "DATA",
  bdat: "BDAT",
  rset: "RSET",
  noop: "NOOP",
  quit: "QUIT",
  auth: "AUTH",
};

/** The first word of a line, in upper case. */
function verbOf(line: Buffer, start: number, end: number): string {
  const [verb = ""] = /^[A-Za-z0-9]*/.exec(line.toString("latin1", start, Math.min(end, start + 16))) ?? [];
  return verb.toUpperCase();
}
