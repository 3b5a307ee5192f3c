/**
 * What scripts find for a queue in hsh, which has none: what they order is looked at as in an engine, taken and dropped, so that
 * a script written for a hook, or its tests, can be run by hand. Nothing is queued, so nothing is counted; never fails.
 */
import type { QueueOrders } from "../script/ports.ts";

export const droppedOrders: QueueOrders = {
  suspend: () => true,
  addPolicy: () => true,
  deletePolicy: () => false,
  quota: () => ({ count: 0, bytes: 0 }),
  connections: () => null,
  share: () => 1,
};
