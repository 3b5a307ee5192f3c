/**
 * The hooks as a table: their names, the variables that their scripts have, and the replies that actions give when the
 * script names none. Pure.
 */
export const sessionHooks = [
  "connect",
  "proxy",
  "helo",
  "auth",
  "mailfrom",
  "rcptto",
  "eod",
  "disconnect",
] as const;
export const queueHooks = ["predelivery", "postdelivery"] as const;
export const hookNames = [...sessionHooks, ...queueHooks] as const;

export type SessionHook = (typeof sessionHooks)[number];
export type QueueHook = (typeof queueHooks)[number];
export type HookName = SessionHook | QueueHook;

/** What is said when the script gives no code of its own. */
export interface Wording {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

const rejected = "Rejected by policy";
const later = "Not now, try again later";

export const rejections: Readonly<Record<SessionHook, Wording>> = {
  connect: { code: 521, enhanced: "5.7.1", text: rejected },
  proxy: { code: 550, enhanced: "5.7.1", text: rejected },
  helo: { code: 554, enhanced: "5.7.1", text: rejected },
  auth: { code: 535, enhanced: "5.7.8", text: "Login or password is wrong" },
  mailfrom: { code: 554, enhanced: "5.7.1", text: rejected },
  rcptto: { code: 554, enhanced: "5.7.1", text: rejected },
  eod: { code: 550, enhanced: "5.7.1", text: rejected },
  disconnect: { code: 550, enhanced: "5.7.1", text: rejected },
};

export const deferrals: Readonly<Record<SessionHook, Wording>> = {
  connect: { code: 421, enhanced: "4.7.0", text: later },
  proxy: { code: 450, enhanced: "4.7.0", text: later },
  helo: { code: 450, enhanced: "4.7.0", text: later },
  auth: { code: 454, enhanced: "4.7.0", text: "Passwords cannot be checked now" },
  mailfrom: { code: 450, enhanced: "4.7.0", text: later },
  rcptto: { code: 450, enhanced: "4.7.0", text: later },
  eod: { code: 421, enhanced: "4.7.0", text: later },
  disconnect: { code: 450, enhanced: "4.7.0", text: later },
};

/** What an accepting action says when it gives a reason or codes; without either, the engine's usual reply is said. */
export const acceptances: Readonly<Record<SessionHook, Wording>> = {
  connect: { code: 220, enhanced: "", text: "Ready" },
  proxy: { code: 250, enhanced: "2.0.0", text: "Ok" },
  helo: { code: 250, enhanced: "", text: "Hello" },
  auth: { code: 235, enhanced: "2.7.0", text: "Authenticated" },
  mailfrom: { code: 250, enhanced: "2.1.0", text: "Sender ok" },
  rcptto: { code: 250, enhanced: "2.1.5", text: "Recipient ok" },
  eod: { code: 250, enhanced: "2.0.0", text: "Ok" },
  disconnect: { code: 250, enhanced: "2.0.0", text: "Ok" },
};

/** What Disconnect says. */
export const goodbye: Wording = { code: 421, enhanced: "4.7.0", text: "Closing the connection" };

/** What a client hears of a script that failed: nothing about the script. */
export const failures: Readonly<Record<SessionHook, Wording>> = Object.fromEntries(
  sessionHooks.map((hook) => [
    hook,
    {
      code: hook === "connect" ? 421 : hook === "auth" ? 454 : 451,
      enhanced: hook === "auth" ? "4.7.0" : "4.3.0",
      text: "Local trouble, try again later",
    },
  ]),
) as Record<SessionHook, Wording>;
