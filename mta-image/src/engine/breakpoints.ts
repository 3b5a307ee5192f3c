/**
 * Breakpoints of scripts (contract/breakpoint-api.ts). While none is set scripts are compiled without a trace of them; `probe` is for
 * the compiler while some are. A hit notes what it sees and the script goes on; the work of one is bounded, and so are hits, time, the
 * number of breakpoints and what they keep. `put` throws a Failure and leaves everything as it was.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type {
  BreakpointDetail,
  BreakpointRequest,
  BreakpointView,
  Snapshot,
} from "#contract/breakpoint-api.ts";

import type { BreakpointDoor } from "../admin/breakpoint-routes.ts";
import type { ConfigChange } from "../config/live-config.ts";
import { HookRun } from "../hooks/hook-run.ts";
import type { Place } from "../script/error.ts";
import type { Probe, ProbeMaker } from "../script/host.ts";
import { running } from "../script/running.ts";
import { framesOf } from "../script/stack.ts";
import { rendered } from "./rendered.ts";

const MOST = 16;
/** Of one breakpoint: the latest. */
const MOST_SNAPSHOTS = 20;

interface Breakpoint {
  readonly id: number;
  readonly request: BreakpointRequest;
  readonly endsAt: number;
  readonly snapshots: Snapshot[];
  timer: Timer | null;
  hits: number;
  isOver: boolean;
  isPlaced: boolean;
  /** The first line behind it where a statement begins. */
  nextLine: number;
}

export interface BreakpointOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Compiles the scripts in force again and puts them in the place of those that are there. */
  readonly again: () => Promise<ConfigChange>;
}

export class Breakpoints implements BreakpointDoor {
  readonly #options: BreakpointOptions;
  readonly #all = new Map<number, Breakpoint>();
  #next = 1;
  #isClosed = false;

  constructor(options: BreakpointOptions) {
    this.#options = options;
  }

  /** Undefined while there is nothing to look for. */
  get probe(): ProbeMaker | undefined {
    return [...this.#all.values()].some(({ isOver }) => !isOver)
      ? (place) => this.#probeAt(place)
      : undefined;
  }

  list(): readonly BreakpointView[] {
    return [...this.#all.values()].map(viewOf);
  }

  detail(id: number): BreakpointDetail | null {
    const found = this.#all.get(id);
    return found === undefined ? null : { breakpoint: viewOf(found), snapshots: [...found.snapshots] };
  }

  async put(request: BreakpointRequest): Promise<BreakpointView> {
    this.#makeRoom();
    const breakpoint = this.#made(request);
    this.#all.set(breakpoint.id, breakpoint);
    const change = await this.#options.again();
    const fault = faultOf(breakpoint, change);
    if (fault === null) return viewOf(breakpoint);
    this.delete(breakpoint.id);
    throw fault;
  }

  /** False when there is none. */
  delete(id: number): boolean {
    const found = this.#all.get(id);
    if (found === undefined) return false;
    this.#end(found);
    return this.#all.delete(id);
  }

  /** Nothing is compiled any more. */
  close(): void {
    this.#isClosed = true;
    for (const breakpoint of this.#all.values()) this.#end(breakpoint);
  }

  #made(request: BreakpointRequest): Breakpoint {
    const { clock } = this.#options;
    const lastsMs = request.seconds * 1000;
    const breakpoint: Breakpoint = {
      id: this.#next++,
      request,
      endsAt: clock.now() + lastsMs,
      snapshots: [],
      timer: null,
      hits: 0,
      isOver: false,
      isPlaced: false,
      nextLine: Number.POSITIVE_INFINITY,
    };
    breakpoint.timer = clock.after(lastsMs, () => this.#end(breakpoint));
    return breakpoint;
  }

  #makeRoom(): void {
    if (this.#all.size < MOST) return;
    const ended = [...this.#all.values()].find(({ isOver }) => isOver);
    if (ended === undefined)
      throw new Failure("breakpoints-full", `there are ${MOST} breakpoints; delete one`, {
        transient: false,
      });
    this.#all.delete(ended.id);
  }

  #probeAt(place: Place): Probe | null {
    const here = [...this.#all.values()].filter(
      ({ isOver, request }) => !isOver && request.file === place.file,
    );
    for (const breakpoint of here) {
      const { line } = breakpoint.request;
      if (place.line === line) breakpoint.isPlaced = true;
      else if (place.line > line) breakpoint.nextLine = Math.min(breakpoint.nextLine, place.line);
    }
    const hit = here.filter(({ request }) => request.line === place.line);
    if (hit.length === 0) return null;
    return (read) => {
      const open = hit.filter(({ isOver }) => !isOver);
      if (open.length === 0) return;
      const snapshot = this.#snapshot(place, read());
      for (const breakpoint of open) this.#note(breakpoint, snapshot);
    };
  }

  #snapshot(place: Place, variables: ReturnType<Parameters<Probe>[0]>): Snapshot {
    const { subject } = running.c;
    return {
      at: new Date(this.#options.clock.now()).toISOString(),
      hook: subject instanceof HookRun ? subject.hook : "",
      ...place,
      stack: framesOf(new Error("here").stack),
      variables: rendered(variables, Object.values(running.g)),
    };
  }

  #note(breakpoint: Breakpoint, snapshot: Snapshot): void {
    breakpoint.hits++;
    breakpoint.snapshots.push(snapshot);
    if (breakpoint.snapshots.length > MOST_SNAPSHOTS) breakpoint.snapshots.shift();
    if (breakpoint.hits >= breakpoint.request.hits) this.#end(breakpoint);
  }

  /** The scripts are compiled without it, later: a script may be running. */
  #end(breakpoint: Breakpoint): void {
    if (breakpoint.isOver) return;
    breakpoint.isOver = true;
    breakpoint.timer?.cancel();
    if (this.#isClosed || !breakpoint.isPlaced) return;
    void this.#options.again().then((change) => {
      if (!change.ok) this.#options.log.warn({ problems: change.problems }, "breakpoint-not-removed");
    });
  }
}

function faultOf({ request, isPlaced, nextLine }: Breakpoint, change: ConfigChange): Failure | null {
  const place = `${request.file}:${request.line}`;
  if (!change.ok) {
    const reason = change.problems[0]?.reason ?? "";
    return new Failure("breakpoint-refused", `the scripts cannot be compiled again: ${reason}`, {
      transient: false,
    });
  }
  if (isPlaced) return null;
  const next = Number.isFinite(nextLine) ? `; the next one begins in line ${nextLine}` : "";
  return new Failure("no-statement", `no statement of a script begins at ${place}${next}`, {
    transient: false,
  });
}

function viewOf({ id, request, hits, endsAt, isOver }: Breakpoint): BreakpointView {
  const { file, line, hits: most } = request;
  return { id, file, line, hits, most, endsAt: new Date(endsAt).toISOString(), isOver };
}
