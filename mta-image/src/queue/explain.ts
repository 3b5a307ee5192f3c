/**
 * Why an entry is where it is (pure): its due time, the rules that hold its line back with when each ends, or the
 * place or the connection that it waits for. What can be said is said for each source address, since one free address is enough.
 */
import type { Candidate } from "./admission.ts";
import type { Counter } from "./counter.ts";
import type { AttemptWait } from "./courier.ts";
import type { Entry } from "./entry.ts";
import type { Judgement } from "./rulebook.ts";

export type ObstacleKind = "suspension" | "policy" | "locating" | "window" | "engine" | "turn" | "connection";

export interface Obstacle {
  readonly kind: ObstacleKind;
  /** Of the rule, "" for what is none. */
  readonly id: string;
  readonly tag: string | null;
  /** The source address that it holds back; "" for all. */
  readonly source: string;
  readonly detail: string;
  /** Wall-clock ms when it ends by itself; null when something must happen. */
  readonly until: number | null;
}

export interface Explanation {
  readonly entry: Entry;
  readonly reason: string;
  readonly obstacles: readonly Obstacle[];
}

export interface Surroundings {
  readonly now: number;
  readonly monotonic: number;
  /** Null while the mail exchangers are being looked for; empty without rules. */
  readonly candidates: readonly Candidate[] | null;
  readonly window: number;
  /** What the attempt waits for that it is in; null: for nothing that anybody knows of. */
  readonly wait: AttemptWait | null;
  /** Why the engine begins no attempt at all; null: it does. */
  readonly idleBecause: string | null;
}

export function explainEntry(entry: Entry, around: Surroundings): Explanation {
  const { phase } = entry;
  switch (phase) {
    case "hold":
      return { entry, reason: "an administrator holds it", obstacles: [] };
    case "running": {
      const { wait } = around;
      const spacing = spacingOf(around);
      if (wait !== null) {
        const obstacles = [...spacing, place(wait.kind, wait.detail)];
        return { entry, reason: "it is being tried, and waits for a connection", obstacles };
      }
      const rest = spacing.length > 0 ? ", and waits where it needs a new connection" : "";
      return { entry, reason: `it is being tried${rest}`, obstacles: spacing };
    }
    case "gone":
      return { entry, reason: "it is settled", obstacles: [] };
    case "waiting":
      return { entry, reason: waitingReason(entry), obstacles: [] };
    case "ready": {
      if (entry.verdict !== null) return { entry, reason: "its notice is due", obstacles: [] };
      const obstacles = obstaclesOf(entry, around);
      const held = obstacles.some(({ kind }) => kind === "suspension" || kind === "policy");
      return { entry, reason: held ? "it is due and a rule holds it back" : "it is due", obstacles };
    }
  }
}

function waitingReason({ verdict, attempts, lastReply }: Entry): string {
  if (verdict !== null) return "it failed, and its notice could not be sent yet";
  if (attempts > 0) return "it was deferred and waits for its next attempt";
  // A script or a plugin may put off without an attempt that counts; what it said is the last reply.
  return lastReply === "" ? "its time has not come" : "it was put off before an attempt that counts";
}

function obstaclesOf(entry: Entry, around: Surroundings): Obstacle[] {
  const line = entry.destination;
  const { candidates, window } = around;
  if (around.idleBecause !== null) return [place("engine", around.idleBecause)];
  if (line.running >= window) return [place("window", `${line.running} attempts of ${window} are under way`)];
  if (candidates === null) return [place("locating", "its mail exchangers are being looked for")];
  const found = bySource(candidates).map(({ source, judgement }) => ruleOf(source, judgement, around));
  if (found.length > 0 && found.every((obstacles) => obstacles.length > 0)) return found.flat();
  return [place("turn", `${line.length} entries are in line`)];
}

/** An attempt under way may wait for a connection, unless one that is open takes it. */
function spacingOf({ candidates, monotonic, now }: Surroundings): Obstacle[] {
  const found = bySource(candidates ?? []).map(({ source, judgement: { counters } }) =>
    counters
      .filter((counter) => counter.connectWait(monotonic) > 0)
      .map((counter): Obstacle => {
        const { tag, connectIntervalMs } = counter.limits;
        const detail = `new connections are ${connectIntervalMs / 1000} s apart`;
        const until = now + counter.connectWait(monotonic);
        return { kind: "policy", id: counter.policy.id, tag, source, detail, until };
      }),
  );
  return found.every((obstacles) => obstacles.length > 0) ? found.flat() : [];
}

/** One that is taken more often than others, by its weight, is told of once. */
function bySource(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.source, candidate])).values()];
}

function ruleOf(source: string, { suspension, counters }: Judgement, around: Surroundings): Obstacle[] {
  const { now, monotonic } = around;
  const at = (wait: number): number | null => (wait === Number.POSITIVE_INFINITY ? null : now + wait);
  if (suspension !== null) {
    const { id, tag, properties } = suspension.facts;
    const detail = `is suspended${learnedFrom(properties)}${notesOf(properties)}`;
    return [{ kind: "suspension", id, tag, source, detail, until: at(suspension.wait(monotonic)) }];
  }
  return counters
    .filter((counter) => counter.wait(monotonic) > 0 || counter.parked.size > 0)
    .map((counter) => ({
      kind: "policy",
      id: counter.policy.id,
      tag: counter.limits.tag,
      source,
      detail: describeCounter(counter, monotonic) + learnedFrom(counter.limits.properties),
      until: at(counter.wait(monotonic)),
    }));
}

/** Rules that were learned from a reply say which. */
function learnedFrom({ reply }: Readonly<Record<string, string | number | boolean>>): string {
  return typeof reply === "string" ? ` since a host said: ${reply}` : "";
}

/** What whoever suspended wrote beside it, such as "; why: maintenance". */
function notesOf(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .filter(([name]) => name !== "reply")
    .map(([name, value]) => `; ${name}: ${value}`)
    .join("");
}

const NO_SHARE = "this engine has no share in the limits of its cluster yet";
const OTHERS_TURN =
  "the limit of its cluster is smaller than the number of engines, and it is the turn of others";

/** Such as "3 of 3 attempts under way; 10 of 10 recipients in 60 s; 7 lines wait". */
export function describeCounter(counter: Counter, monotonic: number): string {
  const { running, limits, parked } = counter;
  const { rate } = limits;
  const parts = [
    limits.concurrency === Number.POSITIVE_INFINITY
      ? `${running} attempts under way`
      : `${running} of ${limits.concurrency} attempts under way`,
  ];
  if (limits.concurrency === 0) parts.push(counter.hasShare ? OTHERS_TURN : NO_SHARE);
  if (rate !== null) {
    const used = Math.ceil(counter.used(monotonic));
    parts.push(`${used} of ${rate.tokens} recipients in ${rate.intervalMs / 1000} s`);
  }
  if (parked.size > 0) parts.push(`${parked.size} lines wait`);
  return parts.join("; ");
}

function place(kind: ObstacleKind, detail: string): Obstacle {
  return { kind, id: "", tag: null, source: "", detail, until: null };
}
