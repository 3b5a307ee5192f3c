/**
 * The ledger at the end (pure): what was lost, what came twice, and who was turned away without a word. A message that is
 * delivered again because its engine was killed between the far side's reply and its own note is the one case that mail
 * cannot rule out: it is counted apart, as are clients of an engine that was just killed, and clients of a cluster in which
 * no engine has room, since Kubernetes then takes all of them out of the Service. Where nobody can be connected to, the node
 * refuses connections: that is excused as long as it lasts if it began with an engine that was killed, had no room or stood
 * still, and held against the cluster if it began with anything else, such as a change of its size. Before anybody was greeted
 * at all it is excused, too.
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
  /** The earliest first, as everywhere here. */
  readonly rebuffs: readonly { readonly at: number; readonly what: string }[];
  /** When engines were killed. */
  readonly kills: readonly number[];
  /** When the disks of all engines were full. */
  readonly fulls: readonly Span[];
  /** When the node stood still, its proxy too. */
  readonly frozen: readonly Span[];
  /** When an engine stood still. */
  readonly still: readonly Span[];
  /** When an engine answered a client that had just connected, be it 421. */
  readonly greetings: readonly number[];
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

/**
 * A connection that a kill left half open stays in the node's table (nf_conntrack's time for FIN_WAIT), and whoever is given its
 * port meanwhile is sent where it led, though that pod may be gone.
 */
const TRACKED_MS = 120_000;

const REFUSED = "connect ECONNREFUSED";

type Rebuff = Evidence["rebuffs"][number];

/** What excuses which words of a client, and how long after its end. */
interface Excuse {
  readonly spans: readonly Span[];
  readonly words: string;
  readonly lastsMs: number;
}

export function judge(evidence: Evidence): Verdict {
  const { accepted, abandoned, delivered, doubles } = evidence;
  const names = [...doubles.keys()];
  const unavoidable = names.filter((name) => isCutShort(doubles.get(name) ?? [], evidence.kills));
  return {
    accepted: accepted.length,
    abandoned: abandoned.length,
    invented: abandoned.filter((name) => delivered.has(name)),
    lost: accepted.filter((name) => !delivered.has(name)),
    duplicated: names.filter((name) => !unavoidable.includes(name)),
    unavoidable,
    rebuffed: rebuffed(evidence).map(({ at, what }) => `${new Date(at).toISOString()} ${what}`),
  };
}

/** All deliveries but the last were just before a kill. */
function isCutShort(times: readonly number[], kills: readonly number[]): boolean {
  return times.slice(0, -1).every((at) => kills.some((kill) => at <= kill + 200 && kill - at < UNSETTLED_MS));
}

function rebuffed({ rebuffs, greetings, kills, fulls, frozen, still }: Evidence): readonly Rebuff[] {
  const killed = kills.map((at) => ({ from: at - 100, until: at }));
  const closed: readonly Excuse[] = [
    { spans: killed, words: "", lastsMs: NOTICED_MS },
    { spans: fulls, words: "", lastsMs: NOTICED_MS },
  ];
  // The way may lead to a pod that has left meanwhile; who gets through is owed an answer.
  const misled: readonly Excuse[] = [
    { spans: frozen, words: "connect ", lastsMs: NOTICED_MS },
    { spans: killed, words: "connect EHOSTUNREACH", lastsMs: TRACKED_MS + NOTICED_MS },
  ];
  const stood: Excuse = { spans: still, words: REFUSED, lastsMs: NOTICED_MS };
  return rebuffs.filter((rebuff) => {
    if (isBeforeAll(rebuff, greetings)) return false;
    const first = { ...rebuff, at: firstRefusal(rebuff, rebuffs, greetings) };
    return !isExcused(rebuff, [...closed, ...misled]) && !isExcused(first, [...closed, stood]);
  });
}

/** The node may hear of pods a moment after Kubernetes calls them ready: refusals count from the first greeting on. */
function isBeforeAll({ at, what }: Rebuff, [first]: readonly number[]): boolean {
  return what.startsWith(REFUSED) && first !== undefined && at < first;
}

function isExcused({ at, what }: Rebuff, excuses: readonly Excuse[]): boolean {
  return excuses.some(
    ({ spans, words, lastsMs }) =>
      what.startsWith(words) && spans.some(({ from, until }) => at >= from && at - until < lastsMs),
  );
}

/** When the refusals began that this one is among, with nobody greeted since; its own time when it is none. */
function firstRefusal(
  { at, what }: Rebuff,
  rebuffs: Evidence["rebuffs"],
  greetings: readonly number[],
): number {
  if (!what.startsWith(REFUSED)) return at;
  const greeted = greetings.findLast((time) => time < at) ?? -Infinity;
  return rebuffs.find((other) => other.what.startsWith(REFUSED) && other.at > greeted)?.at ?? at;
}
