/**
 * The queue's notifier: writes the report and sends it through the one door like any other mail, from the null
 * sender, so that it is never answered with a notice itself (RFC 5321 4.5.5). Mail from the null sender gets
 * none, and nobody is told what they did not want to hear (RFC 3461 4.1). Rejects with a Failure `notice-refused`
 * when intake does; the queue then asks again later.
 */
import { isAscii } from "node:buffer";

import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { Intake } from "../intake/intake.ts";
import { type Envelope, fromHere } from "../message/envelope.ts";
import { wantsNotice } from "../message/notice-wishes.ts";
import type { Notice, Notifier } from "../queue/notifier.ts";
import type { Content } from "../spool/spool.ts";
import { MAX_RETURNED_BYTES, type Original, noOriginal, readOriginal, startOf } from "./original.ts";
import { makeReport, needsSmtpUtf8 } from "./report.ts";

export interface MailNotifierOptions {
  readonly intake: Intake;
  readonly read: (id: string) => Promise<Content>;
  readonly clock: Clock;
  readonly log: Log;
  readonly hostname: () => string;
  /** The transport that notices about mail of this transport take. */
  readonly transportFor: (transportId: string) => string;
}

interface NoticeMail extends Pick<Envelope, "smtpUtf8" | "eightBit" | "marks"> {
  /** That the notice speaks of. */
  readonly message: Notice["message"];
}

export class MailNotifier implements Notifier {
  readonly #options: MailNotifierOptions;

  constructor(options: MailNotifierOptions) {
    this.#options = options;
  }

  async notify(asked: Notice): Promise<void> {
    const { envelope } = asked.message;
    const recipients = asked.recipients.filter(({ index }) => wantsNotice(envelope, index, asked.kind));
    if (envelope.sender === "" || recipients.length === 0) return;
    const notice = { ...asked, recipients };
    const now = this.#options.clock.now();
    const original = await this.#original(notice);
    const hostname = this.#options.hostname();
    const { transaction } = notice;
    const bytes = makeReport({ notice, original, hostname, id: makeId(now), now });
    await this.#send(bytes, {
      message: notice.message,
      // Not its id in the spool, which is always a new one: several wordings may have been foretold by one id.
      ...(transaction === undefined ? {} : { marks: { transaction, first: 1 } }),
      smtpUtf8: needsSmtpUtf8(notice),
      eightBit: !isAscii(bytes),
    });
  }

  /** Of a message that can no longer be read: nothing. It still deserves its notice. */
  async #original({ kind, message: { id, envelope, sizeBytes } }: Notice): Promise<Original> {
    // RET speaks of failures alone (RFC 3461 4.3); a large message is returned as its header whatever was asked.
    const isWhole = kind === "failed" && envelope.dsn?.ret === "FULL" && sizeBytes <= MAX_RETURNED_BYTES;
    try {
      return readOriginal(await startOf(await this.#options.read(id)), { isWhole });
    } catch (error) {
      this.#options.log.warn({ message: id, error: describe(error) }, "notice-without-original");
      return noOriginal;
    }
  }

  /** Through the one door, to the sender of the message. */
  async #send(bytes: Buffer, { message, ...form }: NoticeMail): Promise<void> {
    const { intake, transportFor } = this.#options;
    const { sender, transportId, requireTls } = message.envelope;
    const envelope: Envelope = {
      sender: "",
      recipients: [sender],
      ...form,
      transportId: transportFor(transportId),
      // What was to travel in TLS only must not come back in the clear (RFC 8689 5).
      ...(requireTls === true ? { requireTls } : {}),
      dsn: { ret: null, envid: null, recipients: [{ notify: ["NEVER"], orcpt: null }] },
    };
    const reception = intake.begin(envelope, fromHere(message.id));
    await reception.write(bytes);
    const result = await reception.commit();
    if (result.kind === "accepted") return;
    throw new Failure("notice-refused", `the notice was not stored: ${result.reply.text}`);
  }
}
