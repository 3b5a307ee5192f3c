/**
 * ESMTP parameters behind a path: ` KEY[=VALUE] …` (RFC 5321 4.1.2). Parsed to a small value or to the reply
 * that refuses them: unknown 555, given twice or malformed 501. Never throws.
 */
import { type Reply, replies } from "./reply.ts";
import { decodeXtext, utf8Xtext } from "./xtext.ts";

export interface MailParameters {
  /** SIZE= of RFC 1870, or null when not given. */
  readonly sizeBytes: number | null;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  /** RFC 3461: how much a notice returns, and the sender's name for the transaction (xtext). */
  readonly ret: "FULL" | "HDRS" | null;
  readonly envid: string | null;
  /** RFC 8689: rather not at all than in the clear. */
  readonly requireTls: boolean;
  /** RFC 4865: seconds from now, or a date in wall-clock ms; the message stays with us until then. */
  readonly hold: { readonly seconds: number } | { readonly untilMs: number } | null;
  /** RFC 2852: seconds from now (0 and less: at once), what to do then, and whether each host tells. */
  readonly deliverBy: DeliverBy | null;
  /** RFC 6710, -9 to 9. */
  readonly priority: number;
}

export interface DeliverBy {
  readonly seconds: number;
  readonly mode: "return" | "notify";
  readonly trace: boolean;
}

export type NotifyWord = "NEVER" | "SUCCESS" | "FAILURE" | "DELAY";

export interface RcptParameters {
  readonly notify: readonly NotifyWord[] | null;
  /** `type;xtext`, always ASCII. */
  readonly orcpt: string | null;
}

/** Nothing was said behind the path. */
export const NO_MAIL: MailParameters = {
  sizeBytes: null,
  eightBit: false,
  smtpUtf8: false,
  ret: null,
  envid: null,
  requireTls: false,
  hold: null,
  deliverBy: null,
  priority: 0,
};
export const NO_RCPT: RcptParameters = { notify: null, orcpt: null };
const KEYWORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
/** RFC 1870 6.1: up to 20 digits. More than 15 is beyond exact numbers, and beyond any limit we could have. */
const SIZE = /^\d{1,20}$/;
/** RFC 3461 4.4 and 4.2. */
const MAX_ENVID = 100;
const MAX_ORCPT = 500;
/** RFC 4954 5. */
const MAX_AUTH = 500;
/** RFC 4865 4, RFC 2852 4, RFC 6710 3. */
const HOLD_SECONDS = /^[1-9]\d{0,8}$/;
const HOLD_UNTIL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const BY = /^(-?\d{1,9});([RN])(T?)$/i;
const PRIORITY = /^(0|-?[1-9])$/;
const ADDRESS_TYPE = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/;

/** What one parameter makes of the value so far; null when its own value is wrong. */
type Rule<T> = (before: T, value: string | null) => T | null;

const mailRules: Readonly<Record<string, Rule<MailParameters>>> = {
  SIZE: (before, value) =>
    value !== null && SIZE.test(value) ? { ...before, sizeBytes: Number(value) } : null,
  BODY(before, value) {
    const body = value?.toUpperCase();
    return body === "7BIT" || body === "8BITMIME" ? { ...before, eightBit: body === "8BITMIME" } : null;
  },
  REQUIRETLS: (before, value) => (value === null ? { ...before, requireTls: true } : null),
  SMTPUTF8: (before, value) => (value === null ? { ...before, smtpUtf8: true } : null),
  RET(before, value) {
    const ret = value?.toUpperCase();
    return ret === "FULL" || ret === "HDRS" ? { ...before, ret } : null;
  },
  ENVID: (before, value) =>
    value !== null && value.length <= MAX_ENVID && decodeXtext(value) !== null
      ? { ...before, envid: value }
      : null,
  /** Who the mail is from in truth: we take nobody's word for it, as RFC 4954 5 allows, and pass nothing on. */
  AUTH: (before, value) =>
    value !== null && value.length <= MAX_AUTH && (value === "<>" || decodeXtext(value) !== null)
      ? before
      : null,
  HOLDFOR: (before, value) =>
    value !== null && before.hold === null && HOLD_SECONDS.test(value)
      ? { ...before, hold: { seconds: Number(value) } }
      : null,
  HOLDUNTIL(before, value) {
    const untilMs = value !== null && HOLD_UNTIL.test(value) ? Date.parse(value) : Number.NaN;
    return before.hold === null && !Number.isNaN(untilMs) ? { ...before, hold: { untilMs } } : null;
  },
  BY(before, value) {
    const [, time = "", mode = "", trace] = BY.exec(value ?? "") ?? [];
    const seconds = Number(time);
    const isReturn = mode.toUpperCase() === "R";
    // Who wants it back must leave time to deliver it (RFC 2852 4).
    if (time === "" || (isReturn && seconds <= 0)) return null;
    const deliverBy: DeliverBy = { seconds, mode: isReturn ? "return" : "notify", trace: trace !== "" };
    return { ...before, deliverBy };
  },
  "MT-PRIORITY": (before, value) =>
    value !== null && PRIORITY.test(value) ? { ...before, priority: Number(value) } : null,
};

const rcptRules: Readonly<Record<string, Rule<RcptParameters>>> = {
  NOTIFY(before, value) {
    const notify = value === null ? null : parseNotify(value);
    return notify === null ? null : { ...before, notify };
  },
  ORCPT(before, value) {
    const orcpt = value === null ? null : parseOrcpt(value);
    return orcpt === null ? null : { ...before, orcpt };
  },
};

export function parseMailParameters(text: string): MailParameters | Reply {
  return text === "" ? NO_MAIL : parse(text, NO_MAIL, mailRules);
}

export function parseRcptParameters(text: string): RcptParameters | Reply {
  return text === "" ? NO_RCPT : parse(text, NO_RCPT, rcptRules);
}

function parse<T extends object>(text: string, none: T, rules: Readonly<Record<string, Rule<T>>>): T | Reply {
  const found = split(text);
  if (!(found instanceof Map)) return found;
  let parameters = none;
  for (const [key, value] of found) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) return replies.unknownParameter;
    const next = rule(parameters, value);
    if (next === null) return replies.badParameter;
    parameters = next;
  }
  return parameters;
}

/** RFC 3461 4.1: NEVER alone, or any of the others, each once. */
function parseNotify(value: string): readonly NotifyWord[] | null {
  const words = value.toUpperCase().split(",");
  if (words.length === 1 && words[0] === "NEVER") return ["NEVER"];
  const isWord = (word: string): word is NotifyWord => ["SUCCESS", "FAILURE", "DELAY"].includes(word);
  return words.every(isWord) && new Set(words).size === words.length ? words : null;
}

function parseOrcpt(value: string): string | null {
  const semicolon = value.indexOf(";");
  const type = value.slice(0, Math.max(semicolon, 0));
  if (!ADDRESS_TYPE.test(type) || value.length > MAX_ORCPT) return null;
  const text = value.slice(semicolon + 1);
  if (type.toLowerCase() !== "utf-8") return decodeXtext(text) === null ? null : value;
  const ascii = utf8Xtext(text);
  return ascii === null || ascii.length > MAX_ORCPT * 2 ? null : `${type};${ascii}`;
}

function split(text: string): Map<string, string | null> | Reply {
  if (!text.startsWith(" ")) return replies.badParameter;
  const found = new Map<string, string | null>();
  for (const part of text.trim().split(/ +/)) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const key = (equals === -1 ? part : part.slice(0, equals)).toUpperCase();
    const value = equals === -1 ? null : part.slice(equals + 1);
    if (!KEYWORD.test(key) || value === "") return replies.badParameter;
    if (found.has(key)) return replies.duplicateParameter;
    found.set(key, value);
  }
  return found;
}
