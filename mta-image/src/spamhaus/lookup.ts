/**
 * Asks Spamhaus: all questions at once, each name once whoever wants it, with a cache, a bound on what is under way
 * and a deadline. Never rejects; whatever goes wrong is a finding of kind "error" and a figure, and a caller that
 * fails open treats it as clear. The key is in the names that are asked and leaves this file to the resolver only.
 *
 * When questions get no answer several times in a row, none is asked for a while: mail must not wait the whole
 * deadline for a resolver that is away. The first question after the pause is the trial.
 */
import type { Clock } from "#base/clock.ts";
import type { SpamhausList } from "#contract/spamhaus-config.ts";

import type { Answer } from "../dns/resolver.ts";
import { FindingCache } from "./cache.ts";
import type { SpamhausCounters } from "./counters.ts";
import { type Finding, clear, failure, judge } from "./judge.ts";
import { queryName } from "./names.ts";
import type { ErrorReason } from "./zones.ts";
import { zones } from "./zones.ts";

export interface Question {
  readonly list: SpamhausList;
  /** What stands in front of the key: a domain, an address backwards, a hash with its kind. */
  readonly label: string;
  /** Both as one text; made here when absent. */
  readonly id?: string;
}

/** The one question of the resolver that is used here: A records of an absolute name; never rejects. */
export type AskAddress = (name: string) => Promise<Answer<string>>;

/** What a reload may change. */
export interface LookupSettings {
  /** Null while there is none. */
  readonly key: string | null;
  readonly zone: string;
  readonly timeoutMs: number;
  readonly cacheSize: number;
  readonly negativeMs: number;
  readonly ask: AskAddress;
}

/** Questions under way in one process: a bound on sockets and memory of the resolver. */
const MAX_RUNNING = 2000;
const FAILURES_TO_PAUSE = 8;
const PAUSE_MS = 10_000;

export class Lookup {
  readonly #clock: Clock;
  readonly #settings: () => LookupSettings;
  readonly #counters: SpamhausCounters;
  readonly #note: (finding: Finding) => void;
  readonly #cache: FindingCache;
  readonly #running = new Map<string, Promise<Finding>>();
  #failuresInRow = 0;
  #pausedUntil = 0;

  constructor(options: {
    clock: Clock;
    settings: () => LookupSettings;
    counters: SpamhausCounters;
    /** Told of every question that was not answered from the cache. */
    note: (finding: Finding) => void;
  }) {
    this.#clock = options.clock;
    this.#note = options.note;
    this.#settings = options.settings;
    this.#counters = options.counters;
    this.#cache = new FindingCache(options.clock);
  }

  /** One finding per question, in their order. Resolves within the deadline. */
  askAll(questions: readonly Question[]): Promise<Finding[]> {
    return Promise.all(questions.map((question) => this.#known(question) ?? this.#learn(question)));
  }

  /** The same when all of them are in the cache, at once; else null, and nothing was asked. */
  recall(questions: readonly Question[]): Finding[] | null {
    const findings: Finding[] = [];
    for (const question of questions) {
      const known = this.#cache.get(idOf(question));
      if (known === null) return null;
      findings.push(known);
    }
    this.#counters.cacheHits += findings.length;
    return findings.map((finding, i) => this.#counted((questions[i] as Question).list, finding));
  }

  async ask(question: Question): Promise<Finding> {
    return this.#known(question) ?? this.#learn(question);
  }

  #known(question: Question): Finding | null {
    const known = this.#cache.get(idOf(question));
    if (known === null) return null;
    this.#counters.cacheHits++;
    return this.#counted(question.list, known);
  }

  async #learn(question: Question): Promise<Finding> {
    const id = idOf(question);
    return this.#counted(question.list, await (this.#running.get(id) ?? this.#start(id, question)));
  }

  #counted(list: SpamhausList, finding: Finding): Finding {
    if (finding.kind === "listed") this.#countHits(list, finding);
    return finding;
  }

  #start(id: string, { list, label }: Question): Promise<Finding> {
    const settings = this.#settings();
    if (settings.key === null) return this.#give("no-key");
    const name = queryName({ label, key: settings.key, list: zones[list].label, zone: settings.zone });
    if (name === null) return Promise.resolve(clear);
    if (this.#clock.monotonic() < this.#pausedUntil) return this.#give("paused");
    if (this.#running.size >= MAX_RUNNING) return this.#give("busy");
    const asked = this.#query(id, list, name, settings);
    this.#running.set(id, asked);
    return asked;
  }

  async #query(id: string, list: SpamhausList, name: string, settings: LookupSettings): Promise<Finding> {
    const startedAt = this.#clock.monotonic();
    this.#counters.queries[list]++;
    const answer = await withDeadline(this.#clock, settings.ask(name), settings.timeoutMs);
    this.#running.delete(id);
    this.#counters.observe((this.#clock.monotonic() - startedAt) / 1000);
    const finding = judge(list, answer);
    if (finding.kind === "error") this.#counters.errors[finding.reason]++;
    this.#note(finding);
    this.#watch(answer);
    const lifeMs = answer.kind === "found" ? answer.ttlMs : settings.negativeMs;
    this.#cache.keep(id, finding, { lifeMs, maxEntries: settings.cacheSize });
    this.#counters.cacheSize = this.#cache.size;
    return finding;
  }

  #watch(answer: Answer<string>): void {
    this.#failuresInRow = answer.kind === "failed" ? this.#failuresInRow + 1 : 0;
    if (this.#failuresInRow >= FAILURES_TO_PAUSE) this.#pausedUntil = this.#clock.monotonic() + PAUSE_MS;
  }

  #give(reason: ErrorReason): Promise<Finding> {
    this.#counters.errors[reason]++;
    this.#note(failure(reason));
    return Promise.resolve(failure(reason));
  }

  #countHits(list: SpamhausList, finding: Extract<Finding, { kind: "listed" }>): void {
    const { hits } = this.#counters;
    for (const { code } of finding.listings) {
      hits.set(`${list} ${code}`, (hits.get(`${list} ${code}`) ?? 0) + 1);
    }
  }
}

/** Labels are in one case already: what differs in case only is asked twice at worst. */
function idOf({ list, label, id }: Question): string {
  return id ?? `${label}.${list}`;
}

/** The question itself goes on in the resolver, which ends it by its own timeouts. */
export function withDeadline(
  clock: Clock,
  asked: Promise<Answer<string>>,
  timeoutMs: number,
): Promise<Answer<string>> {
  return new Promise((resolve) => {
    const timer = clock.after(timeoutMs, () => resolve({ kind: "failed", reason: "TIMEOUT" }));
    void asked.then((answer) => {
      timer.cancel();
      resolve(answer);
    });
  });
}
