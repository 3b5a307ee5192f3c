/**
 * Signed return paths (VERP with a seal): `fb=<message id>=<seal>=<tenant>@domain`. The seal is HMAC-SHA-256 over id,
 * tenant and recipient, 80 bits, so that a report is believed only about the very recipient that the message went to.
 * Pure. A tenant whose name does not fit in 64 octets with the rest (RFC 5321 4.5.3.1.1) is left out and marked.
 */
import { createHmac } from "node:crypto";

import { isId } from "#base/ids.ts";
import { isSameSecret } from "#base/secret.ts";

export interface ReturnPath {
  readonly messageId: string;
  /** Null: it did not fit. */
  readonly tenant: string | null;
  readonly seal: string;
}

export interface Sealed {
  readonly messageId: string;
  readonly tenant: string;
  readonly recipient: string;
}

const SEAL_HEX = 20;
/** Of the tenant's name: what any host leaves as it is. */
const plain = /^[a-z0-9_]{0,12}$/;

export function makeReturnPath(mail: Sealed, key: Buffer, domain: string): string {
  const tenant = plain.test(mail.tenant) ? mail.tenant : "~";
  return `fb=${mail.messageId}=${seal({ ...mail, tenant }, key)}=${tenant}@${domain}`;
}

/** Null for an address of another form. Hosts may have changed its case. */
export function readReturnPath(address: string): ReturnPath | null {
  const match = /^fb=([0-9a-z]{26})=([0-9a-f]{20})=([a-z0-9_]{0,12}|~)@/i.exec(address);
  const [, id = "", found = "", tenant = ""] = match ?? [];
  const messageId = id.toUpperCase();
  if (match === null || !isId(messageId)) return null;
  return { messageId, seal: found.toLowerCase(), tenant: tenant === "~" ? null : tenant.toLowerCase() };
}

export function isSealedFor(
  { messageId, tenant, seal: found }: ReturnPath,
  recipient: string,
  key: Buffer,
): boolean {
  return isSameSecret(found, seal({ messageId, tenant: tenant ?? "~", recipient }, key));
}

function seal({ messageId, tenant, recipient }: Sealed, key: Buffer): string {
  const text = [messageId, tenant, recipient.toLowerCase()].join("\0");
  return createHmac("sha256", key).update(text).digest("hex").slice(0, SEAL_HEX);
}
