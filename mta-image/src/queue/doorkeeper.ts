/**
 * Who may refuse a recipient at the door of the active queue and at the pick-up for an attempt: native plugins. The
 * queue owns this seam; `engine/plugin-doorkeeper.ts` is it over the plugins that have hooks. Answers come at once, and
 * nothing here throws.
 */
import type { Facts } from "./matching.ts";
import type { SpooledMessage } from "../spool/spool.ts";

/** insert: it is due and enters its line. pickup: an attempt is about to begin. */
export type Door = "insert" | "pickup";

export interface Caller {
  readonly message: SpooledMessage;
  readonly recipient: number;
  /** At the first door the remote host and the source are not known yet. */
  readonly facts: Facts;
  /** Source addresses that it may be sent from; empty: the system chooses. */
  readonly localIps: readonly string[];
}

export type DoorAnswer =
  | { readonly kind: "accepted"; readonly localIps: readonly string[] }
  | { readonly kind: "refused"; readonly by: string; readonly value: unknown };

export interface Doorkeeper {
  /** False: nobody needs to be asked. */
  isAsked(door: Door): boolean;
  ask(door: Door, caller: Caller): DoorAnswer;
}

export const openDoors: Doorkeeper = {
  isAsked: () => false,
  ask: (_, { localIps }) => ({ kind: "accepted", localIps }),
};
