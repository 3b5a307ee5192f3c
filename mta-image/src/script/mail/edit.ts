/**
 * Changes to a part: fields and bodies. Each touches only the bytes it is about. Values that would break out of their
 * field are folded instead, so that no value a sender chose becomes a field of its own. Never fails.
 */
import { meter } from "../meter.ts";
import { type Field, Part, fieldOf, fieldValue, trimEnd } from "./part.ts";
import { Pieces } from "./pieces.ts";
import { type Encoding, chooseEncoding, encodeBody, isEncoding } from "./transfer.ts";
import { encodeWords } from "./words.ts";
import { encodeParameters } from "./write-parameter.ts";

const FOLD_AT = 78;
/** What a field takes beside its bytes, and its way through encoding and folding. */
const FIELD_BYTES = 200;

/** A whole field. Encoded ones are folded; others stay as given. */
export function makeField(name: string, value: string, isEncoded: boolean): Field {
  meter.allocate(FIELD_BYTES + name.length + value.length * 2);
  const safe = trimEnd(value.replace(/\r?\n(?![ \t])|\r(?!\n)|\0/g, " ").replace(/\r?\n/g, "\r\n"));
  const raw = `${cleanName(name)}: ${isEncoded ? encoded(name, safe) : safe}`;
  return fieldOf(`${isEncoded ? fold(raw) : raw}\r\n`);
}

function encoded(name: string, value: string): string {
  if (!/^content-(?:type|disposition)$/i.test(name)) return encodeWords(value);
  const written = encodeParameters(value);
  return /^[\t\r\n -~]*$/.test(written) ? written : encodeWords(written);
}

function cleanName(name: string): string {
  const clean = name.replace(/[^!-9;-~]/g, "");
  return clean === "" ? "X-Unnamed" : clean;
}

function fold(line: string): string {
  if (line.length <= FOLD_AT || line.includes("\r\n")) return line;
  const lines: string[] = [];
  let rest = line;
  while (rest.length > FOLD_AT) {
    const from = lines.length === 0 ? rest.indexOf(" ") + 1 : 1;
    const before = rest.lastIndexOf(" ", FOLD_AT);
    const at = before > from ? before : rest.indexOf(" ", Math.max(FOLD_AT, from));
    if (at < 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return [...lines, rest].join("\r\n");
}

export function fieldsOf(part: Part, name: string): readonly Field[] {
  const wanted = name.toLowerCase();
  return part.fields.filter((field) => field.name === wanted);
}

export function firstValue(part: Part, name: string): string | null {
  const [field] = fieldsOf(part, name);
  return field === undefined ? null : fieldValue(field);
}

/** Where the field with this number of its name stands, or -1. */
function placeOf(part: Part, name: string, index: number): number {
  const wanted = name.toLowerCase();
  let left = index;
  return part.fields.findIndex((field) => field.name === wanted && left-- === 0);
}

/** On top, where trace fields go. */
export function prependField(part: Part, field: Field): void {
  part.fields.unshift(field);
  ensureBlank(part);
}

export function appendField(part: Part, field: Field): void {
  part.fields.push(field);
  ensureBlank(part);
}

/** Replaces the field of that number, or appends when there is none; says how many were replaced. */
export function putField(part: Part, field: Field, index = 0): number {
  const place = placeOf(part, field.name, index);
  if (place < 0) appendField(part, field);
  else part.fields[place] = field;
  return place < 0 ? 0 : 1;
}

export function renameFields(part: Part, name: string, to: string): number {
  const wanted = name.toLowerCase();
  let count = 0;
  part.fields = part.fields.map((field) => {
    if (field.name !== wanted) return field;
    count += 1;
    return fieldOf(cleanName(to) + field.raw.slice(field.raw.indexOf(":")));
  });
  return count;
}

/** All of the name, or the one of that number; says how many went. */
export function dropFields(part: Part, name: string, index: number | null): number {
  const wanted = name.toLowerCase();
  const place = index === null ? null : placeOf(part, name, index);
  const before = part.fields.length;
  part.fields = part.fields.filter((field, at) => (place === null ? field.name !== wanted : at !== place));
  return before - part.fields.length;
}

function ensureBlank(part: Part): void {
  if (part.blank === "") part.blank = "\r\n";
}

/** Whether its body has lines, whose ends mail may write in its own way. */
export function isTextual(part: Part): boolean {
  return /^(text|message|multipart)\//.test(part.head.type);
}

/** A body that is not encoded yet; the encoding is the one asked for, the part's own, or chosen by content. */
export function putBody(part: Part, text: string, asked: string | null): void {
  // It is looked at for the encoding, and encoded.
  meter.charge(text.length >> 3);
  const own = firstValue(part, "content-transfer-encoding")?.toLowerCase() ?? "";
  const wanted = asked?.toLowerCase() ?? own;
  const fits = chooseEncoding(text, isTextual(part));
  const encoding: Encoding =
    isEncoding(wanted) && (asked !== null || fits === "7bit" || !/bit$/.test(wanted)) ? wanted : fits;
  if (encoding !== own && !(own === "" && encoding === "7bit"))
    putField(part, makeField("Content-Transfer-Encoding", encoding, false));
  part.content = { kind: "leaf", body: Pieces.of(encodeBody(text, encoding)) };
  ensureBlank(part);
}

/** Makes a part the first of a new multipart in its place; its content fields go with it. */
export function wrap(part: Part, type: string, boundary: string): void {
  const inner = new Part(part, `--${boundary}\r\n`);
  const isContent = ({ name }: Field): boolean => name.startsWith("content-");
  inner.fields = part.fields.filter(isContent);
  inner.blank = "\r\n";
  inner.content = part.content;
  for (const child of inner.children) child.parent = inner;
  part.fields = part.fields.filter((field) => !isContent(field));
  if (fieldsOf(part, "mime-version").length === 0 && part.parent === null)
    appendField(part, makeField("MIME-Version", "1.0", false));
  appendField(part, makeField("Content-Type", `${type};\r\n\tboundary="${boundary}"`, false));
  part.content = {
    kind: "multipart",
    boundary,
    preamble: Pieces.none,
    children: [inner],
    close: `\r\n--${boundary}--\r\n`,
    epilogue: Pieces.none,
  };
}

/** Puts a part into a multipart, first or last. */
export function insert(part: Part, child: Part, isFirst: boolean): void {
  const { content } = part;
  if (content.kind !== "multipart") return;
  child.parent = part;
  const isAlone = content.children.length === 0 && content.preamble.size === 0;
  child.lead = `${isAlone ? "" : "\r\n"}--${content.boundary}\r\n`;
  if (content.close === "") content.close = `\r\n--${content.boundary}--\r\n`;
  if (!isFirst) content.children.push(child);
  else {
    const [next] = content.children;
    if (next !== undefined) {
      child.lead = next.lead;
      next.lead = `\r\n--${content.boundary}\r\n`;
    }
    content.children.unshift(child);
  }
}

/** The message itself cannot go; says whether the part did. */
export function remove(part: Part): boolean {
  const siblings = part.parent?.content;
  if (siblings?.kind !== "multipart") return false;
  const at = siblings.children.indexOf(part);
  const next = siblings.children[at + 1];
  if (at === 0 && next !== undefined) next.lead = part.lead;
  siblings.children.splice(at, 1);
  return true;
}

export function replace(part: Part, by: Part): boolean {
  const siblings = part.parent?.content;
  if (siblings?.kind !== "multipart") return false;
  by.parent = part.parent;
  by.lead = part.lead;
  siblings.children[siblings.children.indexOf(part)] = by;
  return true;
}
