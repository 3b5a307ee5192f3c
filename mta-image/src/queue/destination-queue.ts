/**
 * The line in front of one destination: due entries in order of urgency and arrival, and how many attempts are under
 * way. Entries that left the line otherwise (hold, bounce) stay as holes until their turn; a hole costs one look.
 */
import type { Destination } from "./courier.ts";
import type { Line, LineState } from "./line-state.ts";
import type { QuotaCount } from "./quotas.ts";
import { Rank } from "./rank.ts";

/** What a line looks at of an entry. */
interface Standing {
  phase: string;
  readonly message: { readonly envelope: { readonly priority?: number | undefined } };
  readonly verdict: object | null;
}

interface Placed extends Pick<Standing, "phase" | "verdict"> {
  readonly destination: { ready: number };
}

/** What entries of one line have in common. */
export interface LineName {
  readonly transportId: string;
  readonly domain: string;
  /** "" when nobody gave one. */
  readonly jobId: string;
  readonly tenantId: string;
  /** The group that an administrator gave; absent or "": that of its mail exchangers. */
  readonly grouping?: string;
  /** As in Line; absent means all. */
  readonly localIps?: readonly string[] | null;
}

/** RFC 5321 4.5.3.1.8: every server takes 100 recipients in one transaction. */
const MAX_RECIPIENTS = 100;
const PATIENT_TURN = 8;
const uncounted: readonly QuotaCount[] = [];

export class DestinationQueue<E extends Standing> implements Destination, Line {
  readonly key: string;
  readonly transportId: string;
  readonly domain: string;
  readonly jobId: string;
  readonly tenantId: string;
  readonly grouping: string;
  readonly localIps: readonly string[] | null;
  /** Made when a rule first concerns the line. */
  state: LineState | null = null;
  /** Attempts under way. */
  running = 0;
  /** In the round of destinations that may start something. */
  isListed = false;
  /** What its entries are counted with. */
  quotas: readonly QuotaCount[] = uncounted;
  /** Entries that name this destination, in any phase. */
  entries = 0;
  /** Entries that are due and in line, without the holes. */
  ready = 0;
  /** Priorities of RFC 6710: 0, above it, below it. */
  readonly #ordinary = new Rank<E>();
  #urgent: Rank<E> | null = null;
  #patient: Rank<E> | null = null;
  /** Turns taken, so that the ranks behind get theirs. */
  #turn = 0;

  constructor(
    key: string,
    { transportId, domain, jobId, tenantId, grouping = "", localIps = null }: LineName,
  ) {
    this.key = key;
    this.transportId = transportId;
    this.domain = domain;
    this.jobId = jobId;
    this.tenantId = tenantId;
    this.grouping = grouping;
    this.localIps = localIps;
  }

  /** Those that failed and only miss their notice stand in a line of their own, which no rule holds back. */
  get isForNotices(): boolean {
    return this.key === "";
  }

  /** Entries in the line, holes among them. */
  get length(): number {
    return this.#ordinary.length + (this.#urgent?.length ?? 0) + (this.#patient?.length ?? 0);
  }

  push(entry: E): void {
    this.#rankOf(entry.message.envelope.priority ?? 0).push(entry);
    this.ready++;
  }

  /** The due entry whose turn it is, or null: of the most urgent, the one that has been in line for longest. */
  peek(): E | null {
    return this.#rank().peek(this.isForNotices);
  }

  /** Takes the first entry and those of the same message right behind it, `most` at most: one attempt. */
  take(most = MAX_RECIPIENTS): E[] {
    const taken = this.#rank().take(Math.min(most, MAX_RECIPIENTS), this.isForNotices);
    this.ready -= taken.length;
    this.#turn++;
    return taken;
  }

  /** Entries that are to be tried, the most urgent first, without taking them. */
  *due(): Iterable<E> {
    for (const rank of [this.#urgent, this.#ordinary, this.#patient]) if (rank !== null) yield* rank.due();
  }

  #rankOf(priority: number): Rank<E> {
    if (priority === 0) return this.#ordinary;
    if (priority > 0) this.#urgent ??= new Rank<E>();
    else this.#patient ??= new Rank<E>();
    return (priority > 0 ? this.#urgent : this.#patient) ?? this.#ordinary;
  }

  /** The rank whose turn it is. When urgent mail never ends, every eighth turn belongs to what is less urgent. */
  #rank(): Rank<E> {
    if (this.#urgent === null && this.#patient === null) return this.#ordinary;
    const ranks = [this.#urgent, this.#ordinary, this.#patient].filter((rank) => rank !== null);
    if (this.#turn % PATIENT_TURN === PATIENT_TURN - 1) ranks.reverse();
    return ranks.find((rank) => rank.peek(this.isForNotices) !== null) ?? this.#ordinary;
  }
}

/** The entry keeps its place in it as a hole, and is not counted any more. */
export function leaveLine({ phase, verdict, destination }: Placed): void {
  if (phase === "ready" && verdict === null) destination.ready--;
}

/** A transport and a domain; job, tenant, group and source addresses for those who have them. */
export function destinationKey(name: LineName): string {
  const { transportId, domain, jobId, tenantId, grouping = "", localIps = null } = name;
  const key = `${transportId} ${domain}`;
  if (jobId === "" && tenantId === "" && grouping === "" && localIps === null) return key;
  const group = grouping === "" ? "" : ` in ${grouping}`;
  return `${key} ${jobId} ${tenantId}${group}${localIps === null ? "" : ` ${localIps.join(",")}`}`;
}
