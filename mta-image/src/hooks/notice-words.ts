/** The option `dsn` of Bounce() and Queue() as plain values, or what is wrong with it. Pure. */
import type { NoticeWords } from "../message/notice-words.ts";
import { type Value, HslArray } from "../script/value.ts";
import { textOf } from "./texts.ts";

const MOST_CONTENT = 65_536;
const MOST_HEADERS = 20;
/** Those that make a notice one (RFC 3464, RFC 3834) stay as they are. */
const OWN = new Set([
  "date",
  "from",
  "to",
  "message-id",
  "in-reply-to",
  "references",
  "auto-submitted",
  "received",
]);

/** Null when the options say nothing of it. */
export function noticeWords(options: HslArray | null): NoticeWords | null | string {
  const given = options?.get("dsn") ?? null;
  if (given === null) return null;
  if (!(given instanceof HslArray)) return "dsn is no array";
  const content = given.get("content");
  if (content !== null && (typeof content !== "string" || content.length > MOST_CONTENT))
    return "dsn content is no text of at most 64 KiB";
  const headers = headersOf(given.get("headers"));
  if (headers === null)
    return "dsn headers are no array of texts by name, or name a field of the notice itself";
  return { content: content === null ? null : textOf(content), headers };
}

function headersOf(value: Value): NoticeWords["headers"] | null {
  if (value === null) return [];
  if (!(value instanceof HslArray) || value.size > MOST_HEADERS) return null;
  const fields = [...value.entries()].map(([name, text]) => [String(name), text] as const);
  const good = fields.filter(
    (field): field is readonly [string, string] => isName(field[0]) && isText(field[1]),
  );
  return good.length === fields.length ? good : null;
}

function isName(name: string): boolean {
  const lower = name.toLowerCase();
  return /^[a-z][a-z0-9-]{0,63}$/.test(lower) && !OWN.has(lower) && !/^(?:content|mime)-/.test(lower);
}

function isText(text: Value): boolean {
  return typeof text === "string" && /^[\x20-\x7e]{0,900}$/.test(text);
}
