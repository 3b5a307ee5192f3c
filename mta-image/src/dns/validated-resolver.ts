/**
 * DNS answers with a word on whether they were validated (DNSSEC): the AD bit of a name server that validates and that
 * the configuration trusts, over a path that nobody else can write to (docs/decisions), with a cache in front.
 *
 * Never rejects: servers that do not answer, and answers that make no sense, are `failed`. Bounded: the cache. What several
 * want at the same moment is asked once.
 */
import { type Asking, type QuestionType, type ServerAnswer, askServers } from "./question.ts";

export interface ValidatedResolver {
  ask(name: string, type: QuestionType): Promise<ServerAnswer>;
}

const MOST_KEPT = 10_000;
const LONGEST_MS = 3_600_000;

export class TrustedServers implements ValidatedResolver {
  readonly #options: Asking;
  readonly #kept = new Map<string, { readonly answer: ServerAnswer; readonly until: number }>();
  readonly #inFlight = new Map<string, Promise<ServerAnswer>>();

  constructor(options: Asking) {
    this.#options = options;
  }

  ask(name: string, type: QuestionType): Promise<ServerAnswer> {
    const key = `${type} ${name.toLowerCase()}`;
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > this.#options.clock.monotonic())
      return Promise.resolve(known.answer);
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running;
    const asked = askServers(this.#options, name, type).then((answer) => {
      this.#inFlight.delete(key);
      if (answer.kind !== "failed") this.#keep(key, answer);
      return answer;
    });
    this.#inFlight.set(key, asked);
    return asked;
  }

  #keep(key: string, answer: ServerAnswer): void {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    const until = this.#options.clock.monotonic() + Math.min(answer.ttlMs, LONGEST_MS);
    this.#kept.set(key, { answer, until });
  }
}
