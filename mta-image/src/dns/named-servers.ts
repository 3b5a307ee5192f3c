/**
 * A resolver for name servers that somebody names for some questions only, as scripts do: nothing is kept, and nothing is
 * mixed with what the engine's own resolver knows. Bounded: the questions that wait at once, and the time of each.
 * Never rejects.
 */
import type { Clock } from "#base/clock.ts";

import { type QuestionType, type ServerAnswer, askServers, failed } from "./question.ts";
import type { Answer, RecordResolver } from "./resolver.ts";

export interface NamedServersOptions {
  readonly clock: Clock;
  /** Each holds a socket; what comes on top is `failed`. */
  readonly mostPending: number;
}

export interface ServerChoice {
  readonly servers: readonly string[];
  /** Of a question, whatever it takes to have it answered. */
  readonly timeoutMs: number;
}

export class NamedServers {
  readonly #options: NamedServersOptions;
  #pending = 0;

  constructor(options: NamedServersOptions) {
    this.#options = options;
  }

  async ask(choice: ServerChoice, name: string, type: QuestionType): Promise<ServerAnswer> {
    const { clock, mostPending } = this.#options;
    if (this.#pending >= mostPending) return failed("too many");
    this.#pending++;
    const { servers, timeoutMs: totalMs } = choice;
    // Every server has its turn, and one that lost a packet a second one.
    const timeoutMs = totalMs / (2 * servers.length);
    return askServers({ clock, servers, timeoutMs, totalMs }, name, type).finally(() => this.#pending--);
  }

  resolver(choice: ServerChoice): RecordResolver {
    const ask = async <T>(name: string, type: QuestionType): Promise<Answer<T>> =>
      answerOf<T>(await this.ask(choice, name, type));
    return {
      a: (name) => ask(name, "A"),
      aaaa: (name) => ask(name, "AAAA"),
      ptr: (name) => ask(name, "PTR"),
      cname: (name) => ask(name, "CNAME"),
      mx: (name) => ask(name, "MX"),
      txt: async (name) => {
        const answer = await ask<readonly Buffer[]>(name, "TXT");
        return answer.kind === "found" ? { ...answer, records: answer.records.map(textsOf) } : answer;
      },
    };
  }
}

/** Without what is said of DNSSEC. */
export function answerOf<T>({ kind, records, ttlMs, reason }: ServerAnswer): Answer<T> {
  if (kind === "found") return { kind, records: records as readonly T[], ttlMs };
  return kind === "failed" ? { kind, reason } : { kind };
}

/** A byte a character, as everywhere in texts from outside. */
function textsOf(strings: readonly Buffer[]): string[] {
  return strings.map((bytes) => bytes.toString("latin1"));
}
