/**
 * The checks as one session uses them: it holds what is known of the client, tells where sessions with mail come from, and
 * puts the content check between session and intake. Clients that may relay are our own and nothing is asked about them. Never fails.
 */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Intake, IntakeResult, Reception } from "../intake/intake.ts";
import { type Reply, makeReply } from "../smtp/reply.ts";
import type { Checks, ContentCheck, Ruling } from "./checks.ts";
import type { SessionCounters } from "./counters.ts";
import type { SessionNeighbours } from "./options.ts";

export interface ScreeningNeighbours
  extends Pick<SessionNeighbours, "checks" | "counters" | "recentClients"> {
  readonly intake: Intake;
}

export interface ScreenedClient {
  readonly ip: string;
  readonly isTrusted: boolean;
  readonly mayLogIn: boolean;
  /** Whoever named the client says who it is. */
  readonly isLoggedIn: boolean;
}

export class Screening {
  /** Where the session's mail goes. */
  readonly intake: Intake;
  readonly #checks: Checks | null;
  readonly #ip: string;
  readonly #mayLogIn: boolean;
  readonly #counters: SessionCounters;
  readonly #recentClients: SessionNeighbours["recentClients"];
  #isLoggedIn: boolean;
  #hasBroughtMail = false;

  constructor(near: ScreeningNeighbours, client: ScreenedClient) {
    const checks = client.isTrusted ? null : near.checks;
    this.#checks = checks;
    this.#ip = client.ip;
    this.#mayLogIn = client.mayLogIn;
    this.#isLoggedIn = client.isLoggedIn;
    this.#counters = near.counters;
    this.#recentClients = near.recentClients;
    this.intake = checks === null ? near.intake : screened(near.intake, checks, () => this.#isLoggedIn);
  }

  /**
   * What to say instead of a greeting; null when nothing is asked. Resolves with null for a welcome client. Where
   * clients may log in, they are looked up at MAIL, when it is known whether they have: people's own addresses are
   * often listed as such. One that is named with its login is asked about as behind AUTH.
   */
  connect(): Promise<Reply | null> | null {
    if (this.#mayLogIn && !this.#isLoggedIn) return null;
    const asked = this.#isLoggedIn
      ? this.authenticated()
      : toReply(this.#checks?.connect({ ip: this.#ip }) ?? null, { hangUp: true });
    void asked?.then((refusal) => {
      if (refusal !== null) this.#counters.refusedConnections++;
    });
    return asked;
  }

  /** The client has logged in: what to say instead of that; from now on it is one of our own people. */
  authenticated(): Promise<Reply | null> | null {
    this.#isLoggedIn = true;
    return toReply(this.#checks?.authenticated({ ip: this.#ip }) ?? null, { hangUp: true });
  }

  /** The refusal of a sender, in the same way. */
  mailFrom(helo: string, sender: string): Promise<Reply | null> | null {
    if (!this.#hasBroughtMail) this.#recentClients.note(this.#ip);
    this.#hasBroughtMail = true;
    const facts = { ip: this.#ip, helo, sender, isLoggedIn: this.#isLoggedIn };
    return toReply(this.#checks?.mailFrom(facts) ?? null, { hangUp: false });
  }
}

function toReply(asked: Promise<Ruling> | null, options: { hangUp: boolean }): Promise<Reply | null> | null {
  if (asked === null) return null;
  return asked.then((ruling) => {
    if (ruling.kind === "accept") return null;
    const { code, enhanced, text } = ruling.reply;
    return makeReply(code, enhanced, text, options);
  });
}

function screened(intake: Intake, checks: Checks, isLoggedIn: () => boolean): Intake {
  return {
    begin(envelope: Envelope, origin: Origin): Reception {
      const reception = intake.begin(envelope, origin);
      const { remoteIp: ip, helo } = origin;
      const check = checks.content({ ip, helo, sender: envelope.sender, isLoggedIn: isLoggedIn() });
      return check === null ? reception : new ScreenedReception(reception, check);
    },
  };
}

class ScreenedReception implements Reception {
  readonly id: string;
  readonly #inner: Reception;
  readonly #check: ContentCheck;

  constructor(inner: Reception, check: ContentCheck) {
    this.id = inner.id;
    this.#inner = inner;
    this.#check = check;
  }

  write(chunk: Buffer): Promise<void> | null {
    this.#check.write(chunk);
    return this.#inner.write(chunk);
  }

  async commit(fields = "", isPlain = false): Promise<IntakeResult> {
    const ruling = await this.#check.end();
    if (ruling.kind === "accept") return this.#inner.commit(ruling.fields + fields, isPlain);
    this.#inner.abort();
    return { kind: "refused", reply: ruling.reply };
  }

  abort(): void {
    this.#check.abort();
    this.#inner.abort();
  }
}
