/**
 * The door of a session whose scripts decide about whole messages: mail is held until the script at the end of data says
 * what becomes of it, and what it wants stored goes through the engine's own door, signed and traced like all mail. A message that
 * scripts do not ask for, or whose recipients take several transports, is stored as it came. When one of several copies
 * cannot be stored, the client is told to come again, and gets those before it twice: losing would be worse.
 */
import { Failure } from "#base/error.ts";

import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { MailCopy } from "../hooks/mail-copy.ts";
import type { EndAnswer } from "../hooks/session-answers.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Reply } from "../smtp/reply.ts";
import type { HeldContentOptions } from "./held-content.ts";
import { HeldMail } from "./held-mail.ts";
import type { Intake, IntakeResult, Reception } from "./intake.ts";
import { refusalFor } from "./refusals.ts";

export interface ScriptedDoor extends HeldContentOptions {
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
    this.id = hooks.transactionId;
    this.#door = door;
    this.#hooks = hooks;
    this.#mail = mail;
    this.#held = new HeldMail(this.id, door);
  }

  write(chunk: Buffer): Promise<void> | null {
    return this.#held.write(chunk);
  }

  /** Without promises of its own where there is nothing to wait for but the store. */
  commit(fields = "", isPlain = false): Promise<IntakeResult> {
    this.#isPlain = isPlain && fields === "";
    const ending = this.#held.end(fields);
    return ending === null ? this.#decide() : ending.then(() => this.#decide());
  }

  abort(): void {
    this.#held.drop();
  }

  #decide(): Promise<IntakeResult> {
    const { refusal } = this.#held;
    if (refusal !== null) return this.#refuse(refusal);
    const asked = this.#hooks.endOfData(this.#held, this.#mail.envelope);
    return asked instanceof Promise ? asked.then((answer) => this.#follow(answer)) : this.#follow(asked);
  }

  #follow(answer: EndAnswer): Promise<IntakeResult> {
    if (answer.kind === "refuse") return this.#refuse(refusalOf(answer.reply));
    const { copies, reply } = answer;
    const [first, second] = copies;
    const isOne = first !== undefined && second === undefined;
    const stored = isOne ? this.#store(first, true) : this.#storeAll(copies);
    return reply === null ? stored : stored.then((result) => inWordsOf(reply, result));
  }

  #refuse(refusal: IntakeResult): Promise<IntakeResult> {
    this.#held.drop();
    return Promise.resolve(refusal);
  }

  /** None, or several one after another: those before one that is refused stay. */
  async #storeAll(copies: readonly MailCopy[]): Promise<IntakeResult> {
    const { envelope, origin } = this.#mail;
    if (copies.length === 0)
      this.#door.log.info(
        { session: origin.sessionId, sender: envelope.sender },
        "message-dropped-by-script",
      );
    let first: string | null = null;
    for (const copy of copies) {
      const result = await this.#store(copy, false);
      if (result.kind === "refused") return this.#refuse(result);
      first ??= result.id;
    }
    this.#held.drop();
    return { kind: "accepted", id: first ?? this.id };
  }

  /** Nobody asks for what is held once the last copy is written. */
  #store({ envelope, content }: MailCopy, isLast: boolean): Promise<IntakeResult> {
    const reception = this.#door.storing.begin(envelope, this.#mail.origin);
    const commit = (): Promise<IntakeResult> => {
      if (isLast) this.#held.drop();
      return reception.commit("", this.#isPlain && content === null);
    };
    let writing: Promise<void> | null = null;
    try {
      writing = write(content === null ? this.#held : readable(content), reception);
    } catch (error) {
      return this.#giveUp(reception, error);
    }
    return writing === null
      ? commit()
      : writing.then(commit, (error: unknown) => this.#giveUp(reception, error));
  }

  #giveUp(reception: Reception, error: unknown): Promise<IntakeResult> {
    this.#door.log.error({ session: this.#mail.origin.sessionId, error }, "message-not-copied");
    reception.abort();
    return this.#refuse(refusalFor(error));
  }
}

/** The script's words for what was stored. */
function inWordsOf(said: Reply, result: IntakeResult): IntakeResult {
  return result.kind === "refused" ? result : { ...result, said };
}

interface Readable {
  readonly size: number;
  read(start: number, end: number): Buffer | Promise<Buffer>;
}

const PIECE = 65_536;

function readable(pieces: NonNullable<MailCopy["content"]>): Readable {
  return { size: pieces.size, read: (start, end) => pieces.slice(start, end).bytes() };
}

/** Null: all is written. Throws or rejects when not all is there: a script may have kept a message that is long gone. */
function write(content: Readable, reception: Reception): Promise<void> | null {
  const { size } = content;
  if (size > PIECE) return writePieces(content, reception);
  const all = content.read(0, size);
  if (all instanceof Promise)
    return all.then(async (piece) => void (await reception.write(whole(piece, size))));
  return reception.write(whole(all, size));
}

async function writePieces(content: Readable, reception: Reception): Promise<void> {
  for (let at = 0; at < content.size; at += PIECE) {
    const end = Math.min(at + PIECE, content.size);
    const written = reception.write(whole(await content.read(at, end), end - at));
    if (written !== null) await written;
  }
}

function whole(piece: Buffer, size: number): Buffer {
  if (piece.length !== size) throw new Failure("message-unreadable", "bytes of the message are gone");
  return piece;
}

function refusalOf(reply: Reply): IntakeResult {
  return { kind: "refused", reply: { code: reply.code, enhanced: "", text: "" }, said: reply };
}
