/**
 * ESMTP parameters behind a path: ` KEY[=VALUE] …` (RFC 5321 4.1.2). Parsed to a small value or to the reply
 * that refuses them: unknown 555, given twice or malformed 501. Never throws.
 */
import { type Reply, replies } from "./reply.ts";

export interface MailParameters {
  /** SIZE= of RFC 1870, or null when not given. */
  readonly sizeBytes: number | null;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
}

const NONE: MailParameters = { sizeBytes: null, eightBit: false, smtpUtf8: false };
const KEYWORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
/** RFC 1870 6.1: up to 20 digits. More than 15 is beyond exact numbers, and beyond any limit we could have. */
const SIZE = /^\d{1,20}$/;

export function parseMailParameters(text: string): MailParameters | Reply {
  if (text === "") return NONE;
  const found = split(text);
  if (!(found instanceof Map)) return found;
  let parameters = NONE;
  for (const [key, value] of found) {
    const next = withParameter(parameters, key, value);
    if ("bytes" in next) return next;
    parameters = next;
  }
  return parameters;
}

function withParameter(before: MailParameters, key: string, value: string | null): MailParameters | Reply {
  switch (key) {
    case "SIZE":
      if (value === null || !SIZE.test(value)) return replies.badParameter;
      return { ...before, sizeBytes: Number(value) };
    case "BODY": {
      const body = value?.toUpperCase();
      if (body !== "7BIT" && body !== "8BITMIME") return replies.badParameter;
      return { ...before, eightBit: body === "8BITMIME" };
    }
    case "SMTPUTF8":
      return value === null ? { ...before, smtpUtf8: true } : replies.badParameter;
    default:
      return replies.unknownParameter;
  }
}

/** RCPT takes no parameter in this version; null means all is well. */
export function checkRcptParameters(text: string): Reply | null {
  if (text === "") return null;
  const found = split(text);
  return found instanceof Map ? replies.unknownParameter : found;
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
