/**
 * Engines that take no orders once a signal has aborted: leadership is lost or a pass is past its deadline, and what it
 * still wants may be the opposite of what somebody else has ordered by now. Questions go on. The refusal is a Failure
 * `order-too-late`; nothing was sent then.
 */
import { Failure } from "#base/error.ts";

import type { Engines } from "./engines.ts";

export function fencedEngines(engines: Engines, signal: AbortSignal): Engines {
  const guard = <A extends readonly unknown[], R>(order: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (!signal.aborted) return order(...args);
      const message = "not allowed to order anything any more: leadership is lost or the pass is over";
      throw new Failure("order-too-late", message, { cause: signal.reason });
    };
  };
  return {
    status: (address) => engines.status(address),
    push: guard((address, push) => engines.push(address, push)),
    drain: guard((address, order) => engines.drain(address, order)),
    spread: guard((address, order) => engines.spread(address, order)),
    share: guard((address, order) => engines.share(address, order)),
    follow: guard((address, order) => engines.follow(address, order)),
    probe: guard((address, order) => engines.probe(address, order)),
    close: () => engines.close(),
  };
}
