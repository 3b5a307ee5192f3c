/**
 * The answer to EHLO, made once a second for all clients that are offered the same: with a new connection for each
 * message it would be made for each message. One of its lines tells the time to the second. Never fails.
 */
import type { Reply } from "../smtp/reply.ts";
import type { SessionSettings } from "./options.ts";

/** All that what is offered depends on, beside the settings and the time. */
export interface Situation {
  readonly isSecure: boolean;
  readonly mayRelay: boolean;
  readonly maySpeakForOthers: boolean;
}

/** Settings of a reload are a new value, and the replies of the old one go with it. */
const made = new WeakMap<SessionSettings, Map<number, { readonly second: number; readonly reply: Reply }>>();

/** `now` in wall-clock ms. */
export function helloReply(
  settings: SessionSettings,
  { isSecure, mayRelay, maySpeakForOthers }: Situation,
  now: number,
  make: () => Reply,
): Reply {
  const bySituation = made.get(settings) ?? new Map<number, { second: number; reply: Reply }>();
  made.set(settings, bySituation);
  const situation = (isSecure ? 1 : 0) + (mayRelay ? 2 : 0) + (maySpeakForOthers ? 4 : 0);
  const second = Math.floor(now / 1000);
  const known = bySituation.get(situation);
  if (known?.second === second) return known.reply;
  const reply = make();
  bySituation.set(situation, { second, reply });
  return reply;
}
