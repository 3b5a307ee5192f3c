/**
 * What became of the latest attempts, for administrators: a ring of outcomes and counts by destination, both bounded
 * and in memory only. The queue tells it each outcome; looking never slows the queue down by more than one write.
 */
import type { Clock } from "#base/clock.ts";
import type { AttemptView, Deliveries } from "#contract/insight-api.ts";

import type { Outcome } from "./courier.ts";
import type { Entry } from "./entry.ts";

export interface OutcomeLogLimits {
  /** Outcomes that are remembered: about 300 bytes each. */
  readonly attempts: number;
  /** Destinations that are counted; the one that was quiet for longest makes room. */
  readonly domains: number;
}

interface Domain {
  delivered: number;
  deferred: number;
  failed: number;
  unclear: number;
  lastReply: string;
  readonly codes: Map<string, number>;
}

/** Times become texts when somebody looks. */
type Noted = Omit<AttemptView, "at"> & { readonly at: number };

const standard: OutcomeLogLimits = { attempts: 10_000, domains: 2_000 };
/** Servers answer with few codes; one that invents them must not fill the memory. */
const MAX_CODES = 30;

export class OutcomeLog {
  readonly #clock: Clock;
  readonly #limits: OutcomeLogLimits;
  readonly #since: string;
  readonly #ring: Noted[] = [];
  #next = 0;
  /** In order of last use. */
  readonly #domains = new Map<string, Domain>();
  /** The last one in it: mail to one domain comes in rows. */
  #latest = emptyDomain();
  #latestName: string | null = null;

  constructor(clock: Clock, limits = standard) {
    this.#clock = clock;
    this.#limits = limits;
    this.#since = new Date(clock.now()).toISOString();
  }

  /** Attempts that were no delivery, by class and outcome ("spam failed"), since start. */
  readonly classes = new Map<string, number>();

  /** `replyClass` is "" for what was delivered. */
  readonly note = ({ message, recipient, destination }: Entry, outcome: Outcome, replyClass = ""): void => {
    this.#ring[this.#next] = {
      at: this.#clock.now(),
      messageId: message.id,
      recipient: message.envelope.recipients[recipient] ?? "",
      domain: destination.domain,
      transportId: destination.transportId,
      outcome: outcome.kind,
      reply: outcome.reply,
      status: outcome.status,
      remoteMta: outcome.remoteMta,
      class: replyClass,
    };
    if (replyClass !== "") countIn(this.classes, `${replyClass} ${outcome.kind}`);
    this.#next = (this.#next + 1) % this.#limits.attempts;
    this.#count(destination.domain, outcome);
  };

  /** The newest first. */
  ofMessage(messageId: string): readonly AttemptView[] {
    return [...this.#newestFirst()].filter((attempt) => attempt.messageId === messageId).slice(0, 1000);
  }

  deliveries(limits: { readonly attempts: number; readonly domains: number }): Deliveries {
    const attempts: AttemptView[] = [];
    for (const attempt of this.#newestFirst()) {
      if (attempts.length >= limits.attempts) break;
      attempts.push(attempt);
    }
    const destinations = [...this.#domains]
      .map(([domain, { codes, ...counts }]) => ({ domain, ...counts, codes: largestFirst(codes) }))
      .sort((a, b) => total(b) - total(a))
      .slice(0, limits.domains);
    const classes = largestFirst(this.classes).map(({ code, count }) => {
      const [name = "", outcome = ""] = code.split(" ");
      return { class: name, outcome: outcome as "deferred" | "failed" | "unclear", count };
    });
    return { since: this.#since, attempts, destinations, classes };
  }

  *#newestFirst(): Iterable<AttemptView> {
    const { length } = this.#ring;
    for (let back = 1; back <= length; back++) {
      const noted = this.#ring[(this.#next - back + length) % length] as Noted;
      yield { ...noted, at: new Date(noted.at).toISOString() };
    }
  }

  #count(name: string, { kind, reply, status }: Outcome): void {
    const domain = name === this.#latestName ? this.#latest : this.#use(name);
    domain[kind]++;
    domain.lastReply = reply;
    const code = codeOf(reply, status);
    if (domain.codes.has(code) || domain.codes.size < MAX_CODES) countIn(domain.codes, code);
  }

  /** From now on the one that was used last; the one that was quiet for longest goes when there are too many. */
  #use(name: string): Domain {
    const domain = this.#domains.get(name) ?? emptyDomain();
    this.#domains.delete(name);
    this.#domains.set(name, domain);
    for (const oldest of this.#domains.keys()) {
      if (this.#domains.size <= this.#limits.domains) break;
      this.#domains.delete(oldest);
    }
    this.#latestName = name;
    this.#latest = domain;
    return domain;
  }
}

/** "550 5.1.1"; what is no reply of a server has only the enhanced status. */
function codeOf(reply: string, status: string): string {
  const code = /^[245]\d\d\b/.exec(reply)?.[0] ?? "";
  return `${code} ${status}`.trim();
}

function countIn(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function emptyDomain(): Domain {
  return { delivered: 0, deferred: 0, failed: 0, unclear: 0, lastReply: "", codes: new Map() };
}

function largestFirst(codes: ReadonlyMap<string, number>): { code: string; count: number }[] {
  return [...codes].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count);
}

function total(domain: Omit<Domain, "codes">): number {
  return domain.delivered + domain.deferred + domain.failed + domain.unclear;
}
