/** What Try() says of the dialogue beside TLS, as plain values, or what is wrong with it. Pure. */
import type { SmtpLogin, TalkChoice, TimedStep } from "../smtp/talk-choice.ts";
import { type Value, HslArray } from "../script/value.ts";
import { textOf } from "./texts.ts";

/** Null when the options say nothing of it. */
export function talkChoice(options: HslArray): TalkChoice | null | string {
  const helo = options.get("helo");
  if (helo !== null && !isHostName(helo)) return "helo is no name";
  const protocol = options.get("protocol");
  if (protocol !== null && protocol !== "smtp" && protocol !== "lmtp")
    return "protocol is neither smtp nor lmtp";
  const timeouts = timeoutsOf(options.get("timeout"), options.get("connect_timeout"));
  if (timeouts === undefined) return "timeout is no number of seconds";
  const login = loginOf(options.get("saslusername"), options.get("saslpassword"));
  if (login === undefined) return "saslusername and saslpassword are not two texts";
  const xclient = xclientOf(options.get("xclient"));
  if (xclient === undefined) return "xclient is no array of names and values";
  const isSilent = helo === null && protocol === null && login === null && xclient.length === 0;
  if (isSilent && Object.keys(timeouts).length === 0) return null;
  return { helo, isLmtp: protocol === null ? null : protocol === "lmtp", timeouts, login, xclient };
}

export function isHostName(value: Value): value is string {
  return typeof value === "string" && /^[A-Za-z0-9._:[\]-]{1,255}$/.test(value);
}

/** The states of the manual; those of commands that nobody waits for long are passed over. */
const STEPS: ReadonlyMap<string, TimedStep> = new Map([
  ["BANNER", "greetingMs"],
  ["CONNECT", "greetingMs"],
  ["HELO", "helloMs"],
  ["EHLO", "helloMs"],
  ["LHLO", "helloMs"],
  ["STARTTLS", "tlsMs"],
  ["MAIL", "mailMs"],
  ["RCPT", "rcptMs"],
  ["DATA", "dataMs"],
  ["EOD", "endOfDataMs"],
]);

/** An hour: longer waits hold connections for nobody. */
const LONGEST_SECONDS = 3600;

function timeoutsOf(byState: Value, connect: Value): TalkChoice["timeouts"] | undefined {
  if (byState !== null && !(byState instanceof HslArray)) return undefined;
  const timeouts: Partial<Record<TimedStep, number>> = {};
  for (const [state, seconds] of byState?.entries() ?? []) {
    if (!isWait(seconds)) return undefined;
    const step = STEPS.get(String(state).toUpperCase());
    if (step !== undefined) timeouts[step] = msOf(seconds);
  }
  if (connect === null) return timeouts;
  return isWait(connect) ? { ...timeouts, connectMs: msOf(connect) } : undefined;
}

function isWait(value: Value): value is number {
  return typeof value === "number" && value > 0;
}

function msOf(seconds: number): number {
  return Math.ceil(Math.min(seconds, LONGEST_SECONDS) * 1000);
}

function loginOf(username: Value, password: Value): SmtpLogin | null | undefined {
  if (username === null && password === null) return null;
  if (typeof username !== "string" || typeof password !== "string") return undefined;
  const texts = [username, password];
  const isSayable = texts.every((text) => text.length <= 1000 && !text.includes("\0"));
  return isSayable ? { username: textOf(username), password: textOf(password) } : undefined;
}

function xclientOf(value: Value): TalkChoice["xclient"] | undefined {
  if (value === null) return [];
  if (!(value instanceof HslArray)) return undefined;
  const pairs = [...value.entries()].map(([name, item]) => [String(name).toUpperCase(), item] as const);
  const said = pairs.map(([name, item]): readonly [string, string] | null =>
    /^[A-Z][A-Z0-9-]{0,31}$/.test(name) && (typeof item === "string" || typeof item === "number")
      ? [name, textOf(String(item)).slice(0, 255)]
      : null,
  );
  return said.every((one) => one !== null) && said.length <= 20 ? said : undefined;
}
