/**
 * DNS as the authentication library asks for it: a function that resolves with records in the form of node:dns or
 * rejects with an error that has a code of node:dns. `queryOf` makes one out of a resolver; a script that brings its
 * own lookups makes one itself. `boundQuery` keeps what one message may cost within bounds: the senders of mail write
 * the records that lead from one question to the next.
 */
import type { Clock } from "#base/clock.ts";

import type { Answer, RecordResolver } from "../dns/resolver.ts";

export type Query = (name: string, type: string) => Promise<unknown[]>;

export function queryOf(resolver: RecordResolver): Query {
  return async (name, type) => {
    switch (type.toUpperCase()) {
      case "TXT":
        return unwrap(await resolver.txt(name), (texts) => [...texts]);
      case "A":
        return unwrap(await resolver.a(name), same);
      case "AAAA":
        return unwrap(await resolver.aaaa(name), same);
      case "MX":
        return unwrap(await resolver.mx(name), ({ preference, exchange }) => ({
          priority: preference,
          exchange,
        }));
      case "PTR":
        return unwrap(await resolver.ptr(name), same);
      case "CNAME":
        return unwrap(await resolver.cname(name), same);
      default:
        throw failure("ENODATA", `no questions of type ${type}`);
    }
  };
}

/** Questions over the count, and those that are not answered in time, fail like a server that does not answer. */
export function boundQuery(query: Query, bounds: { clock: Clock; timeoutMs: number; most: number }): Query {
  const { clock } = bounds;
  const end = clock.monotonic() + bounds.timeoutMs;
  let left = bounds.most;
  return (name, type) => {
    if (left-- <= 0) return Promise.reject(failure("ETIMEOUT", "too many questions for one message"));
    return new Promise((resolve, reject) => {
      const timer = clock.after(Math.max(0, end - clock.monotonic()), () =>
        reject(failure("ETIMEOUT", "no answer in time")),
      );
      void query(name, type)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  };
}

function unwrap<T, R>(answer: Answer<T>, convert: (record: T) => R): R[] {
  switch (answer.kind) {
    case "found":
      return answer.records.map(convert);
    case "none":
      throw failure("ENODATA", "no such record");
    case "no-domain":
      throw failure("ENOTFOUND", "no such name");
    case "failed":
      throw failure("ESERVFAIL", answer.reason);
  }
}

function same(text: string): string {
  return text;
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
