/**
 * Authentication-Results fields of a message that claim to be ours: whoever reads mail behind us believes that name,
 * so those that others wrote go (RFC 8601 5). All other bytes stay as they are. Pure; never fails.
 */
import { fieldName, fieldValue, splitFields } from "./head.ts";

export function withoutForged(head: Buffer, authority: string): Buffer {
  const fields = splitFields(head);
  const kept = fields.filter((field) => !isForged(field, authority));
  if (kept.length === fields.length) return head;
  const bytes = fields.reduce((sum, field) => sum + field.length, 0);
  return Buffer.concat([...kept, head.subarray(bytes)]);
}

function isForged(field: Buffer, authority: string): boolean {
  if (fieldName(field) !== "authentication-results") return false;
  // A version may follow the name (RFC 8601 2.2), comments may stand before it.
  const value = fieldValue(field)
    .replace(/\([^()]*\)/g, " ")
    .trim();
  const name = /^"?([^\s;"]*)/.exec(value)?.[1] ?? "";
  return name.toLowerCase() === authority.toLowerCase();
}
