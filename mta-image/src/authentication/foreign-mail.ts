/**
 * Mail from outside on its way through the door: every byte goes to the verification and on to the inner reception, the
 * header held until its end so that forged results can be left out. At the end the verdict becomes a field on top, or a
 * refusal. Never rejects: trouble with DNS is part of the verdict.
 */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { IntakeFigures } from "../intake/held-pieces.ts";
import type { Intake, IntakeResult, Reception } from "../intake/intake.ts";
import { type AuthenticationCounters, countVerdict } from "./counters.ts";
import { withoutForged } from "./forged.ts";
import { type CompleteHead, HeadReader } from "./head.ts";
import type { SigningKey } from "./key.ts";
import type { Query } from "./query.ts";
import { type Verdict, Verification } from "./verify.ts";
import type { Clock } from "#base/clock.ts";

export interface ForeignMailOptions {
  readonly clock: Clock;
  readonly query: Query;
  readonly authority: string;
  readonly seal: SigningKey | null;
  readonly enforce: boolean;
  readonly counters: AuthenticationCounters;
  /** Bytes that are held here count like those that intake holds. */
  readonly figures: IntakeFigures;
}

type Refusal = Extract<IntakeResult, { kind: "refused" }>;

export class ForeignMail implements Reception {
  readonly id: string;
  readonly #inner: Reception;
  readonly #options: ForeignMailOptions;
  readonly #verification: Verification;
  readonly #head = new HeadReader();
  #heldBytes = 0;
  #isBody = false;

  constructor(intake: Intake, mail: { envelope: Envelope; origin: Origin }, options: ForeignMailOptions) {
    const { envelope, origin } = mail;
    this.#inner = intake.begin(envelope, origin);
    this.id = this.#inner.id;
    this.#options = options;
    const peer = { ip: origin.remoteIp, helo: origin.helo, sender: envelope.sender };
    this.#verification = new Verification(peer.ip === "" ? null : peer, options);
  }

  write(piece: Buffer): Promise<void> | null {
    this.#verification.push(piece);
    if (this.#isBody) return this.#inner.write(piece);
    this.#hold(piece.length);
    const complete = this.#head.push(piece);
    return complete === null ? null : this.#pass(complete);
  }

  async commit(fields = ""): Promise<IntakeResult> {
    if (!this.#isBody) await this.#pass(this.#head.end());
    const verdict = await this.#verification.end();
    countVerdict(this.#options.counters, verdict);
    const refusal = this.#head.isOverlong ? overlong : this.#judge(verdict);
    if (refusal === null) return this.#inner.commit(verdict.seal + verdict.field + fields);
    this.#inner.abort();
    return refusal;
  }

  abort(): void {
    this.#hold(-this.#heldBytes);
    this.#isBody = true;
    this.#verification.abort();
    this.#inner.abort();
  }

  #pass({ head, rest }: CompleteHead): Promise<void> | null {
    this.#hold(-this.#heldBytes);
    this.#isBody = true;
    const kept = withoutForged(head, this.#options.authority);
    const first = kept.length === 0 ? null : this.#inner.write(kept);
    const second = rest.length === 0 ? null : this.#inner.write(rest);
    return second ?? first;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#options.figures.bytesInFlight += bytes;
  }

  #judge({ dmarc }: Verdict): Refusal | null {
    if (!this.#options.enforce || dmarc.result !== "fail" || dmarc.policy !== "reject") return null;
    this.#options.counters.refused++;
    return refusal(`DMARC: ${dmarc.from.slice(0, 253)} asks to refuse mail that it does not vouch for`);
  }
}

const overlong = refusal("The header is too long");

function refusal(text: string): Refusal {
  return {
    kind: "refused",
    reply: { code: 550, enhanced: "5.7.1", text: text.replace(/[^\x20-\x7e]/g, "?") },
  };
}
