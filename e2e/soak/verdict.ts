/**
 * The ledger at the end (pure): what was lost, what came twice, and who was turned away without a word. A message that is
 * delivered again because its engine was killed between the far side's reply and its own note is the one case that mail
 * cannot rule out: it is counted apart, as are clients of an engine that was just killed, and clients of a cluster in which
 * no engine has room, since Kubernetes then takes all of them out of the Service. Where no engine is ready, the node refuses
 * connections: that is excused as long as it lasts if it began with an engine that was killed, had no room or stood still, and
 * held against the cluster if it began with anything else, such as a change of its size.
 */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export interface Evidence {
  readonly accepted: readonly string[];
  /** Their client went away in the middle of the message. */
  readonly abandoned: readonly string[];
  readonly delivered: ReadonlySet<string>;
  /** Times of delivery of those that came more than once. */
  readonly doubles: ReadonlyMap<string, readonly number[]>;
  readonly rebuffs: readonly { readonly at: number; readonly what: string }[];
  /** When engines were killed. */
  readonly kills: readonly number[];
  /** When the disks of all engines were full. */
  readonly fulls: readonly Span[];
  /** When the node stood still, its proxy too. */
  readonly frozen: readonly Span[];
  /** When an engine stood still. */
  readonly still: readonly Span[];
  /** When no engine was ready, as the API server had it. */
  readonly closed: readonly Span[];
}

export interface Verdict {
  readonly accepted: number;
  readonly abandoned: number;
  readonly lost: readonly string[];
  /** Delivered though the message was never whole. */
  readonly invented: readonly string[];
  readonly duplicated: readonly string[];
  /** Delivered just before a kill, and once more after it. */
  readonly unavoidable: readonly string[];
  /** Refused, cut or hung up on without 421, while nobody was killed and somebody had room. */
  readonly rebuffed: readonly string[];
}

/** An engine syncs what it has settled many times a second. */
const UNSETTLED_MS = 2000;
/** Until the node has noticed that the process is gone and every proxy has heard of it. */
const NOTICED_MS = 6000;
/** Until a proxy has heard who is ready again. */
const HEARD_MS = 2000;

/**
 * A connection that a kill left half open stays in the node's table (nf_conntrack's time for FIN_WAIT), and whoever is given its
 * port meanwhile is sent where it led, though that pod may be gone.
 */
const TRACKED_MS = 120_000;

export function judge(evidence: Evidence): Verdict {
  const { accepted, abandoned, delivered, doubles, rebuffs, kills, fulls, frozen, still, closed } = evidence;
  const isExcused = (times: readonly number[]): boolean =>
    times.slice(0, -1).every((at) => kills.some((kill) => at <= kill + 200 && kill - at < UNSETTLED_MS));
  const isWithin = (at: number, spans: readonly Span[]): boolean =>
    spans.some(({ from, until }) => at >= from && at - until < NOTICED_MS);
  const isClosed = (at: number): boolean =>
    kills.some((kill) => at >= kill - 100 && at - kill < NOTICED_MS) || isWithin(at, fulls);
  const isOnesFault = (at: number): boolean => isClosed(at) || isWithin(at, still);
  const isShut = (at: number, what: string): boolean =>
    what.startsWith("connect ECONNREFUSED") &&
    closed.some(({ from, until }) => at >= from && at - until < HEARD_MS && isOnesFault(from));
  // The way may lead to a pod that has left meanwhile; who gets through is owed an answer.
  const isMisled = (at: number, what: string): boolean =>
    (what.startsWith("connect ") && isWithin(at, frozen)) ||
    (what.startsWith("connect EHOSTUNREACH") &&
      kills.some((kill) => at >= kill && at - kill < TRACKED_MS + NOTICED_MS));
  const names = [...doubles.keys()];
  const unavoidable = names.filter((name) => isExcused(doubles.get(name) ?? []));
  return {
    accepted: accepted.length,
    abandoned: abandoned.length,
    invented: abandoned.filter((name) => delivered.has(name)),
    lost: accepted.filter((name) => !delivered.has(name)),
    duplicated: names.filter((name) => !unavoidable.includes(name)),
    unavoidable,
    rebuffed: rebuffs
      .filter(({ at, what }) => !isClosed(at) && !isMisled(at, what) && !isShut(at, what))
      .map(({ at, what }) => `${new Date(at).toISOString()} ${what}`),
  };
}
