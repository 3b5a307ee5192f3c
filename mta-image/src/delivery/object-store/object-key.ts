/**
 * Names of objects and what is said about them (pure). A key is made of our own id and a hash, so no byte of a stranger
 * is in it, and the same mail for the same recipient has the same key: a second attempt overwrites the first.
 */
import { createHash } from "node:crypto";

import type { SpooledMessage } from "../../spool/spool.ts";

/** S3 takes 2 KB of metadata in all. */
const LONGEST_VALUE = 512;

export function objectKey(prefix: string, message: SpooledMessage, recipient: string): string {
  const day = new Date(message.receivedAt).toISOString().slice(0, 10).replaceAll("-", "/");
  const hash = createHash("sha256").update(recipient).digest("hex").slice(0, 16);
  return `${prefix}${day}/${message.id}-${hash}.eml`;
}

/** Headers of the object; what is not printable ASCII is percent-encoded. */
export function objectHeaders(message: SpooledMessage, recipient: string): Record<string, string> {
  const meta = (text: string): string =>
    encodeURI(text)
      .replace(/[^\x21-\x7e]/g, "?")
      .slice(0, LONGEST_VALUE);
  return {
    "content-type": "message/rfc822",
    "x-amz-meta-message": message.id,
    "x-amz-meta-received": new Date(message.receivedAt).toISOString(),
    "x-amz-meta-sender": meta(message.envelope.sender === "" ? "<>" : message.envelope.sender),
    "x-amz-meta-recipient": meta(recipient),
  };
}
