/**
 * xtext of RFC 3461 4 and its form for internationalised addresses, RFC 6533 3. Pure; null for what is neither.
 * Text that decodes to control bytes is refused: it ends in notices, one header line each.
 */
import { decodeUtf8 } from "./address.ts";

/** Any printable but "+" and "=", or "+" and two upper-case hexadecimal digits. */
const XTEXT = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** A character as `\x{20AC}`; ASCII has no need for it but for the three that xtext cannot hold. */
const UTF8_XTEXT = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]|\\x\{(?:2B|3D|5C|[0-9A-F]{2,6})\})+$/;

export function decodeXtext(text: string): string | null {
  if (!XTEXT.test(text)) return null;
  const decoded = text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return PRINTABLE.test(decoded) ? decoded : null;
}

/** Printable ASCII as xtext. */
export function encodeXtext(text: string): string {
  return text.replace(/[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/g, (char) => `+${hex(char.charCodeAt(0))}`);
}

/** The address of a "utf-8" ORCPT in its ASCII form; raw UTF-8 (latin1 of its bytes) is escaped. */
export function utf8Xtext(text: string): string | null {
  const decoded = decodeUtf8(text);
  if (decoded === null) return null;
  const escaped = decoded.replace(/[^\x00-\x7f]/gu, (char) => `\\x{${hex(char.codePointAt(0) ?? 0)}}`);
  return UTF8_XTEXT.test(escaped) && escapes(escaped).every(isCharacter) ? escaped : null;
}

function escapes(text: string): number[] {
  return Array.from(text.matchAll(/\\x\{([0-9A-F]+)\}/g), (match) => Number.parseInt(match[1] ?? "", 16));
}

/** A scalar value that is no control (RFC 6533 3). */
function isCharacter(code: number): boolean {
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;
  return !isControl && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(2, "0");
}
