/**
 * One test mail over SMTP, with nothing but what that needs: it goes to an engine of ours through a forwarded port. Answers
 * the reply to the mail; rejects with the reply that refused it. Each reply has a deadline.
 */
import { connect, type Socket } from "node:net";

import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";

const REPLY_MS = 30_000;
const MOST_REPLY = 8192;
/** A PROXY header that names no client: the one at the other end of the connection it is. */
const NOBODY = "PROXY UNKNOWN\r\n";

export interface TestMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly id: string;
  readonly date: Date;
  /** The listener expects a PROXY header. */
  readonly isProxied?: boolean;
}

export async function sendMail(port: number, mail: TestMail, clock: Clock): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  const talk = new Talk(socket, clock);
  try {
    if (mail.isProxied === true) socket.write(NOBODY);
    await talk.expect("2");
    await talk.say("EHLO kubectl-mailfleet.invalid", "2");
    await talk.say(`MAIL FROM:<${mail.from}>`, "2");
    await talk.say(`RCPT TO:<${mail.to}>`, "2");
    await talk.say("DATA", "3");
    const reply = await talk.say(`${textOf(mail)}\r\n.`, "2");
    await talk.say("QUIT", "2").catch(() => "");
    return reply;
  } finally {
    socket.destroy();
  }
}

export function textOf({ from, to, subject, id, date }: TestMail): string {
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${date.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${id}@kubectl-mailfleet.invalid>`,
    "Auto-Submitted: auto-generated",
    "",
    "A test mail, sent by kubectl mailfleet send.",
  ].join("\r\n");
}

class Talk {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #said = "";
  #ended: string | null = null;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (chunk) => {
      this.#said = `${this.#said}${chunk.toString("latin1")}`.slice(-MOST_REPLY);
      this.#wake();
    });
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", () => this.#end("the connection was closed"));
  }

  async say(line: string, expected: string): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.expect(expected);
  }

  /** The next reply, whose code must begin so. */
  async expect(expected: string): Promise<string> {
    const timer = this.#clock.after(REPLY_MS, () => this.#end("no reply in time"));
    try {
      for (;;) {
        const reply = /^(?:\d{3}-[^\r\n]*\r?\n)*(\d{3}(?: [^\r\n]*)?)\r?\n/.exec(this.#said);
        if (reply !== null) {
          this.#said = this.#said.slice(reply[0].length);
          const last = reply[1] ?? "";
          if (last.startsWith(expected)) return last;
          throw new Failure("mail-refused", `the engine answered: ${last}`);
        }
        if (this.#ended !== null) throw new Failure("mail-refused", this.#ended);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      timer.cancel();
    }
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#wake();
  }
}
