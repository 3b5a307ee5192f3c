/**
 * Mail of our own on its way through the door: when its header is complete the domain of From chooses the keys, every
 * byte goes on at once and to the signatures, and these stand on top at the end. Mail that cannot be signed leaves
 * without a signature, and is counted. Never rejects.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import type { Intake, IntakeResult, Reception } from "../intake/intake.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import { authorDomain } from "./author.ts";
import type { AuthenticationCounters } from "./counters.ts";
import { type CompleteHead, HeadReader } from "./head.ts";
import type { SigningKey } from "./key.ts";
import { DkimSigning } from "./sign.ts";

export interface OwnMailOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: AuthenticationCounters;
  /** The keys for mail of a domain; none leaves it unsigned. */
  readonly keysFor: (domain: string) => readonly SigningKey[];
}

export class OwnMail implements Reception {
  readonly id: string;
  readonly #inner: Reception;
  readonly #options: OwnMailOptions;
  readonly #head = new HeadReader();
  #signing: DkimSigning | null = null;
  #isBody = false;

  constructor(intake: Intake, mail: { envelope: Envelope; origin: Origin }, options: OwnMailOptions) {
    this.#inner = intake.begin(mail.envelope, mail.origin);
    this.id = this.#inner.id;
    this.#options = options;
  }

  write(piece: Buffer): Promise<void> | null {
    if (this.#isBody) this.#signing?.push(piece);
    else {
      const complete = this.#head.push(piece);
      if (complete !== null) this.#begin(complete);
    }
    return this.#inner.write(piece);
  }

  async commit(fields = ""): Promise<IntakeResult> {
    if (!this.#isBody) this.#begin(this.#head.end());
    return this.#inner.commit(fields + (await this.#sign()));
  }

  abort(): void {
    this.#signing?.abort();
    this.#inner.abort();
  }

  #begin({ head, rest }: CompleteHead): void {
    this.#isBody = true;
    const domain = authorDomain(head);
    const keys = domain === null ? [] : this.#options.keysFor(domain);
    if (keys.length === 0) return;
    const at = this.#options.clock.now();
    this.#signing = new DkimSigning(
      keys.map((key) => ({ key, overSign: true })),
      { at },
    );
    this.#signing.push(head);
    this.#signing.push(rest);
  }

  async #sign(): Promise<string> {
    if (this.#signing === null) return "";
    const { fields, problems } = await this.#signing.end();
    const { counters, log } = this.#options;
    if (fields === "") counters.unsigned++;
    else counters.signed++;
    if (problems.length > 0) log.warn({ message: this.id, reason: problems.join("; ") }, "mail-not-signed");
    return fields;
  }
}
