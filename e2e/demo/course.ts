/** The course of a burst, second by second: what came, what went, how many pods there were, and when what was over. */
export interface Look {
  /** Mails so far. */
  readonly accepted: number;
  readonly delivered: number;
  readonly pods: number;
  readonly wanted: number;
}

export interface Moment extends Look {
  /** Since the first look. */
  readonly second: number;
  /** Mails a second since the look before. */
  readonly came: number;
  readonly went: number;
}

type Mark = "burst" | "calm";

/** Mail that is under way at any time is no queue. */
const UNDER_WAY = 20;

export class Course {
  readonly #now: () => number;
  readonly #moments: Moment[] = [];
  readonly #marks = new Map<Mark, number>();
  readonly #begun: number;

  /** `now` in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#begun = now();
  }

  add(look: Look): Moment {
    const second = this.#second();
    const before = this.#moments.at(-1) ?? { accepted: 0, delivered: 0, second: 0 };
    const passed = Math.max(second - before.second, 0.001);
    const moment = {
      ...look,
      second,
      came: Math.max(0, look.accepted - before.accepted) / passed,
      went: Math.max(0, look.delivered - before.delivered) / passed,
    };
    this.#moments.push(moment);
    return moment;
  }

  mark(mark: Mark): void {
    this.#marks.set(mark, this.#second());
  }

  /** Seconds. */
  since(mark: Mark): number {
    return this.#second() - this.#at(mark);
  }

  between(first: Mark, second: Mark): number {
    return this.#at(second) - this.#at(first);
  }

  get mostPods(): number {
    return Math.max(0, ...this.#moments.map(({ pods }) => pods));
  }

  get mostQueued(): number {
    return Math.max(0, ...this.#moments.map(queued));
  }

  /** Whole seconds from the burst to a second pod that serves; null: there was none. */
  get grownAfter(): number | null {
    return this.#after("burst", ({ pods }) => pods > 1);
  }

  get drainedAfter(): number | null {
    return this.#after("calm", (moment) => queued(moment) <= UNDER_WAY);
  }

  get smallAfter(): number | null {
    return this.#after("calm", ({ pods, wanted }) => pods === 1 && wanted === 1);
  }

  get isDrained(): boolean {
    return this.drainedAfter !== null;
  }

  get isSmallAgain(): boolean {
    return this.smallAfter !== null;
  }

  #after(mark: Mark, isSo: (moment: Moment) => boolean): number | null {
    const at = this.#at(mark);
    const first = this.#moments.find((moment) => moment.second > at && isSo(moment));
    return first === undefined ? null : Math.round(first.second - at);
  }

  /** Not marked yet: never. */
  #at(mark: Mark): number {
    return this.#marks.get(mark) ?? Infinity;
  }

  #second(): number {
    return (this.#now() - this.#begun) / 1000;
  }
}

function queued({ accepted, delivered }: Look): number {
  return Math.max(0, accepted - delivered);
}
