/**
 * A real courier on real sockets against a ScriptedHost: content from a table instead of a spool, DNS from a table
 * instead of the network. `deliver` resolves with the outcomes as short text, one line a recipient.
 */
import { type Clock, systemClock } from "#base/clock.ts";
import type { AttemptTerms, AttemptWish, Outcome, TimeLeft } from "#mta/queue/courier.ts";
import type { TlsTools } from "#mta/delivery/tls-tools.ts";
import { SmtpCourier } from "#mta/delivery/smtp-courier.ts";
import { type TransportSettings, defaultTransport } from "#mta/delivery/transport.ts";
import type { NoticeWishes } from "#mta/message/notice-wishes.ts";
import type { Content } from "#mta/spool/spool.ts";
import { FakeResolver, type FakeZone } from "./fake-resolver.ts";
import { makeDraft, makeState } from "./messages.ts";

export interface RigOptions {
  readonly settings?: Partial<TransportSettings>;
  readonly zones?: Readonly<Record<string, FakeZone>>;
  readonly total?: number;
  readonly clock?: Clock;
  readonly tls?: TlsTools;
  /** False lets mail from DNS reach loopback. */
  readonly forbidLocal?: boolean;
  /** Where we listen ourselves, at any port; absent: nowhere. */
  readonly ownIp?: string;
  readonly random?: () => number;
}

export interface MailOptions {
  readonly to?: readonly string[];
  readonly from?: string;
  readonly content?: string | Content;
  readonly smtpUtf8?: boolean;
  readonly transportId?: string;
  readonly dsn?: NoticeWishes;
  readonly requireTls?: boolean;
  readonly tlsOptional?: boolean;
  readonly terms?: AttemptTerms;
  readonly deliverBy?: TimeLeft;
  readonly priority?: number;
  readonly wish?: AttemptWish;
  readonly isWatched?: boolean;
}

export class CourierRig {
  readonly courier: SmtpCourier;
  readonly settings = new Map<string, TransportSettings>();
  readonly resolver: FakeResolver;
  /** Content by message id; what is missing cannot be read. */
  readonly contents = new Map<string, Content>();
  /** Reads wait for this. */
  reading: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(port: number, options: RigOptions = {}) {
    const { zones = {}, total = 100, forbidLocal = true } = options;
    this.resolver = new FakeResolver(zones);
    this.settings.set("out", {
      ...defaultTransport,
      server: `127.0.0.1:${port}`,
      tlsMode: "disabled",
      ...options.settings,
    });
    this.courier = new SmtpCourier({
      clock: options.clock ?? systemClock,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      finder: {
        resolver: this.resolver,
        random: options.random ?? (() => 0.5),
        hostname: "engine.example.test",
        isForbidden: (ip) => forbidLocal && ip.startsWith("127."),
        ownAt: () => (options.ownIp === undefined ? null : (ip) => ip === options.ownIp),
      },
      read: (id) => this.#read(id),
      transport: (id) => this.settings.get(id),
      limits: () => ({ perDestination: 20, total }),
    });
  }

  /** One line a recipient: "kind status reply". */
  async deliver(mail: MailOptions = {}): Promise<string[]> {
    return (await this.outcomes(mail)).map(({ kind, status, reply }) => `${kind} ${status} ${reply}`);
  }

  outcomes(mail: MailOptions = {}): Promise<readonly Outcome[]> {
    const {
      to = ["ann@example.net"],
      from = "news@example.org",
      content = "Subject: x\r\n\r\nhello\r\n",
    } = mail;
    const envelope = {
      sender: from,
      recipients: to,
      smtpUtf8: mail.smtpUtf8 ?? false,
      dsn: mail.dsn,
      requireTls: mail.requireTls,
      tlsOptional: mail.tlsOptional,
      priority: mail.priority,
    };
    const { id: _, dueAt, content: __, ...draft } = makeDraft({ envelope });
    const id = `message-${this.#count++}`;
    const stored = typeof content === "string" ? inMemory(content) : content;
    this.contents.set(id, stored);
    const domain = to[0]?.split("@").at(-1) ?? "";
    const transportId = mail.transportId ?? "out";
    const recipients = to.map((address) => ({ address, state: makeState({ dueAt }) }));
    const sizeBytes = stored.kind === "memory" ? stored.bytes.length : 1000;
    return this.courier.deliver({
      destination: { key: `${transportId} ${domain}`, transportId, domain },
      message: { ...draft, id, sizeBytes, recipients },
      recipients: to.map((_address, index) => index),
      ...(mail.terms === undefined ? {} : { terms: mail.terms }),
      ...(mail.deliverBy === undefined ? {} : { deliverBy: mail.deliverBy }),
      ...(mail.wish === undefined ? {} : { wish: mail.wish }),
      ...(mail.isWatched === undefined ? {} : { isWatched: mail.isWatched }),
    });
  }

  async #read(id: string): Promise<Content> {
    await this.reading;
    const content = this.contents.get(id);
    if (content === undefined) throw new Error("no such message");
    return content;
  }
}

export function inMemory(text: string): Content {
  return { kind: "memory", bytes: Buffer.from(text, "latin1") };
}

/** Content that comes from a file in these pieces. */
export function inPieces(...pieces: readonly string[]): Content {
  return {
    kind: "file",
    async *chunks() {
      for (const piece of pieces) yield Buffer.from(piece, "latin1");
    },
  } as Content;
}

/** 12 MB whose end is never read, so that only the host can bring the delivery to its end. */
export function withoutEnd(): Content {
  const { promise: never } = Promise.withResolvers<void>();
  return {
    kind: "file",
    async *chunks() {
      for (let i = 0; i < 200; i++) yield Buffer.from(`${"x".repeat(60_000)}\r\n`, "latin1");
      await never;
    },
  } as Content;
}
