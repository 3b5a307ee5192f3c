/**
 * The door of a session whose scripts decide about whole messages: mail is held until the script at the end of data says
 * what becomes of it, and what it wants stored goes through the engine's own door, signed and traced like all mail. A message that
 * scripts do not ask for, or whose recipients take several transports, is stored as it came. When one of several copies
 * cannot be stored, the client is told to come again, and gets those before it twice: losing would be worse.
 */
import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { MailCopy } from "../hooks/mail-copy.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Reply } from "../smtp/reply.ts";
import type { HeldContentOptions } from "./held-content.ts";
import { HeldMail } from "./held-mail.ts";
import type { Intake, IntakeResult, Reception } from "./intake.ts";
import { refusalFor } from "./refusals.ts";

export interface ScriptedDoor extends HeldContentOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Where mail is verified on its way to a session's own door. */
  verifying(inner: Intake): Intake;
  /** Where mail is signed and stored. */
  readonly storing: Intake;
}

/** The whole way of a session's mail. */
export function scriptedIntake(door: ScriptedDoor, hooks: ConnectionHooks): Intake {
  return door.verifying({
    begin: (envelope, origin) =>
      hooks.mustHold
        ? new ScriptedMail(door, hooks, { envelope, origin })
        : door.storing.begin(hooks.marked(envelope), origin),
  });
}

interface Mail {
  readonly envelope: Envelope;
  readonly origin: Origin;
}

class ScriptedMail implements Reception {
  readonly id: string;
  readonly #door: ScriptedDoor;
  readonly #hooks: ConnectionHooks;
  readonly #mail: Mail;
  readonly #held: HeldMail;
  #isPlain = false;

  constructor(door: ScriptedDoor, hooks: ConnectionHooks, mail: Mail) {
    this.id = makeId(door.clock.now());
    this.#door = door;
    this.#hooks = hooks;
    this.#mail = mail;
    this.#held = new HeldMail(this.id, door);
  }

  write(chunk: Buffer): Promise<void> | null {
    return this.#held.write(chunk);
  }

  async commit(fields = "", isPlain = false): Promise<IntakeResult> {
    this.#isPlain = isPlain && fields === "";
    try {
      const ending = this.#held.end(fields);
      if (ending !== null) await ending;
      return this.#held.refusal ?? (await this.#decide());
    } finally {
      this.#held.drop();
    }
  }

  abort(): void {
    this.#held.drop();
  }

  async #decide(): Promise<IntakeResult> {
    const { envelope, origin } = this.#mail;
    const asked = this.#hooks.endOfData(this.#held, envelope);
    const answer = asked instanceof Promise ? await asked : asked;
    if (answer.kind === "refuse") return refusalOf(answer.reply);
    const { copies } = answer;
    if (copies.length === 0)
      this.#door.log.info(
        { session: origin.sessionId, sender: envelope.sender },
        "message-dropped-by-script",
      );
    let first = this.id;
    for (const [at, copy] of copies.entries()) {
      const result = await this.#store(copy);
      if (result.kind === "refused") return result;
      if (at === 0) first = result.id;
    }
    return { kind: "accepted", id: first, ...(answer.reply === null ? {} : { said: answer.reply }) };
  }

  async #store({ envelope, content }: MailCopy): Promise<IntakeResult> {
    const reception = this.#door.storing.begin(envelope, this.#mail.origin);
    try {
      await writeAll(content === null ? this.#held : readable(content), reception);
    } catch (error) {
      this.#door.log.error({ session: this.#mail.origin.sessionId, error }, "message-not-copied");
      reception.abort();
      return refusalFor(error);
    }
    return await reception.commit("", this.#isPlain && content === null);
  }
}

interface Readable {
  readonly size: number;
  read(start: number, end: number): Buffer | Promise<Buffer>;
}

const PIECE = 65_536;

function readable(pieces: NonNullable<MailCopy["content"]>): Readable {
  return { size: pieces.size, read: (start, end) => pieces.slice(start, end).bytes() };
}

/** Rejects when not all is there: a script may have kept a message that is long gone. */
async function writeAll(content: Readable, reception: Reception): Promise<void> {
  for (let at = 0; at < content.size; at += PIECE) {
    const end = Math.min(at + PIECE, content.size);
    const read = content.read(at, end);
    const piece = read instanceof Promise ? await read : read;
    if (piece.length !== end - at) throw new Failure("message-unreadable", "bytes of the message are gone");
    const written = reception.write(piece);
    if (written !== null) await written;
  }
}

function refusalOf(reply: Reply): IntakeResult {
  return { kind: "refused", reply: { code: reply.code, enhanced: "", text: "" }, said: reply };
}
