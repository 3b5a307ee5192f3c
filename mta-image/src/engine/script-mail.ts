/**
 * Mail that scripts make by themselves (MIME()->queue() and MailMessage->queue() outside of the end of data): stored like mail
 * of our own, through the one door, before the script goes on. What the door refuses is an error that the script sees.
 */
import { makeId } from "#base/ids.ts";
import type { Clock } from "#base/clock.ts";

import { askedCopy, copiesAsked } from "../hooks/mail-copy.ts";
import type { Intake } from "../intake/intake.ts";
import { type Envelope, fromHere } from "../message/envelope.ts";
import type { MailPort } from "../script/mail-port.ts";

const PIECE = 65_536;

export function makeMailPort(intake: Intake, clock: Clock): MailPort {
  return {
    async queue(message, wish) {
      const asked = askedCopy(message, wish, () => true);
      if (typeof asked === "string") return { error: asked };
      const transaction = makeId(clock.now());
      const [copy] = copiesAsked(blank, [asked], { transaction, clock });
      if (copy === undefined) return { error: "there is nothing to queue" };
      const reception = intake.begin(copy.envelope, fromHere(transaction));
      try {
        for (let at = 0; at < message.size; at += PIECE) {
          const piece = message.slice(at, Math.min(at + PIECE, message.size)).bytes();
          await reception.write(piece instanceof Promise ? await piece : piece);
        }
      } catch {
        reception.abort();
        return { error: "the message could not be read" };
      }
      const result = await reception.commit();
      if (result.kind === "refused") return { error: result.reply.text };
      return { transaction, queue: "1" };
    },
  };
}

const blank: Envelope = { sender: "", recipients: [], smtpUtf8: false, eightBit: true, transportId: "" };
