/**
 * What a notice takes from the message it speaks of: its header block (bounded) and the ids that thread it (pure).
 * Hostile bytes are expected: ids that are not `<...@...>` tokens are left out, nothing is ever invented.
 */
import type { Content } from "../spool/spool.ts";

export interface Original {
  /** Header and body, when the sender wants them back and they are not too large. */
  readonly whole: Buffer | null;
  /** The header block in CRLF form without the empty line, cut at MAX_RETURNED_BYTES; "" when it cannot be read. */
  readonly headers: Buffer;
  readonly messageId: string | null;
  /** Ids of the thread, oldest first, the message's own last; empty without a Message-ID. */
  readonly references: readonly string[];
}

export const noOriginal: Original = {
  whole: null,
  headers: Buffer.alloc(0),
  messageId: null,
  references: [],
};

/** Postfix's bounce_size_limit; what is beyond it says nothing more about the message. */
export const MAX_RETURNED_BYTES = 50_000;
/** RFC 5322 3.6.4 lets References grow without end; the first and the newest ones thread. */
const MAX_REFERENCES = 20;
/** Of a line that SMTP carries (RFC 5322 2.1.1), with the name of its field. */
const MAX_ID_BYTES = 900;
/** UTF-8 may stand in ids (RFC 6532 3.3); U+FFFD was none. */
const MESSAGE_ID =
  /<[^\s<>@"(),:;\\\x00-\x1f\x7f-\x9f\ufffd]{1,200}@[^\s<>@"(),:;\\\x00-\x1f\x7f-\x9f\ufffd]{1,200}>/g;

/** `isWhole`: `start` is the message from its first byte to the last. */
export function readOriginal(start: Buffer, options = { isWhole: false }): Original {
  const whole = options.isWhole ? start : null;
  const end = start.indexOf("\r\n\r\n");
  const block = start.subarray(0, Math.min(end === -1 ? start.length : end + 2, MAX_RETURNED_BYTES));
  const fields = unfold(block.toString("utf8"));
  const messageId = ids(fields.get("message-id") ?? "")[0] ?? null;
  if (messageId === null) return { whole, headers: wholeLines(block), messageId, references: [] };
  const known = ids(fields.get("references") ?? "");
  const parents = known.length > 0 ? known : ids(fields.get("in-reply-to") ?? "").slice(0, 1);
  return { whole, headers: wholeLines(block), messageId, references: thread(parents, messageId) };
}

/** The first bytes of a stored message, enough for its header block. */
export async function startOf(content: Content): Promise<Buffer> {
  if (content.kind === "memory") return content.bytes.subarray(0, MAX_RETURNED_BYTES + 4);
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of content.chunks()) {
    pieces.push(piece);
    length += piece.length;
    if (length >= MAX_RETURNED_BYTES) break;
  }
  return Buffer.concat(pieces);
}

function thread(parents: readonly string[], messageId: string): string[] {
  const all = [...new Set([...parents.filter((id) => id !== messageId), messageId])];
  if (all.length <= MAX_REFERENCES) return all;
  return [all[0] as string, ...all.slice(-(MAX_REFERENCES - 1))];
}

function ids(text: string): string[] {
  return (text.match(MESSAGE_ID) ?? []).filter((id) => Buffer.byteLength(id) <= MAX_ID_BYTES);
}

/** The first occurrence of each field, names in lower case, folds undone. */
function unfold(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.replace(/\r\n(?=[ \t])/g, "").split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1));
  }
  return fields;
}

function wholeLines(block: Buffer): Buffer {
  const end = block.lastIndexOf("\r\n");
  return end === -1 ? Buffer.alloc(0) : block.subarray(0, end + 2);
}
