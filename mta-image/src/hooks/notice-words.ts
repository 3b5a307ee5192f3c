/** The option `dsn` of Bounce() and Queue() as plain values, or what is wrong with it. Pure. */
import type { NoticeWords } from "../message/notice-words.ts";
import { encodeRun, encodeWords, isPlain } from "../script/mail/words.ts";
import { type Value, HslArray } from "../script/value.ts";
import { textOf } from "./texts.ts";

const MOST_CONTENT = 65_536;
const MOST_HEADERS = 20;
const MOST_TEXT = 900;
/** Begins with a header field, and has an empty line behind the last one. */
const HEADED = /^[!-9;-~]+:[\s\S]*?\n\r?\n/;
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
  const [content, part] = [given.get("content"), given.get("readable_mimepart")];
  if (!isContent(content)) return "dsn content is no text of at most 64 KiB";
  if (!isContent(part) || (part !== null && !HEADED.test(part)))
    return "dsn readable_mimepart is no MIME part of at most 64 KiB";
  const headers = headersOf(given.get("headers"));
  if (headers === null)
    return 'dsn headers are no texts by name or as "Name: text", or name a field of the notice itself';
  const [subject, prefix, name] = ["subject", "subject_prepend", "from_name"].map((option) =>
    lineOf(given.get(option)),
  );
  if (subject === undefined) return "dsn subject is no line of text";
  if (prefix === undefined) return "dsn subject_prepend is no line of text";
  if (name === undefined) return "dsn from_name is no line of text";
  return {
    content: content === null ? null : textOf(content),
    part,
    headers: subject === null ? headers : [["Subject", encodeWords(subject)], ...headers],
    subjectPrefix: prefix === null ? "" : encodeWords(prefix),
    fromName: name === null ? null : displayName(name),
    returnsOriginal: given.get("original_headers") !== false,
  };
}

function isContent(value: Value): value is string | null {
  return value === null || (typeof value === "string" && value.length <= MOST_CONTENT);
}

function headersOf(value: Value): NoticeWords["headers"] | null {
  if (value === null) return [];
  if (!(value instanceof HslArray) || value.size > MOST_HEADERS) return null;
  const fields = [...value.entries()].map(([name, text]) =>
    typeof name === "number" ? fieldOf(text) : ([name, text] as const),
  );
  const good = fields.filter(
    (field): field is readonly [string, string] => isName(field[0]) && isText(field[1]),
  );
  return good.length === fields.length ? good : null;
}

/** "Name: text", as a list has them. */
function fieldOf(value: Value): readonly [name: string, text: Value] {
  const [, name = "", text = null] =
    /^([^:]+):[ \t]*(.*)$/.exec(typeof value === "string" ? value : "") ?? [];
  return [name, text];
}

function isName(name: string): boolean {
  const lower = name.toLowerCase();
  return /^[a-z][a-z0-9-]{0,63}$/.test(lower) && !OWN.has(lower) && !/^(?:content|mime)-/.test(lower);
}

function isText(text: Value): text is string {
  return typeof text === "string" && text.length <= MOST_TEXT && /^[\x20-\x7e]*$/.test(text);
}

/** Bytes, without those of control; undefined for what is none. */
function lineOf(value: Value): string | null | undefined {
  if (value === null) return null;
  const isLine =
    typeof value === "string" && value.length <= MOST_TEXT && /^[\x20-\x7e\x80-\xff]*$/.test(value);
  return isLine ? value : undefined;
}

/** RFC 5322 3.2.5: what is ASCII is quoted, all else encoded. */
function displayName(name: string): string {
  return isPlain(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : encodeRun(name);
}
