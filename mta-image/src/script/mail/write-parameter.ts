/**
 * A parameter of a field, such as filename, written: quoted where it is ASCII, else as RFC 2231 has it (sections 3 and 4), in parts
 * that a line can hold. An encoded word may stand neither in quotes nor in their place (RFC 2047, section 5). Pure.
 */
import { isUtf8 } from "node:buffer";

import { isPlain } from "./words.ts";

/** With its name and number a part is shorter than a line; it ends in no escape. */
const PART = /.{1,50}(?<!%.?)/g;

const PARAMETER = /;[ \t\r\n]*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"\r\n]*))/g;

/** With what parts it from the one before. A character of `value` is a byte. */
export function writeParameter(name: string, value: string): string {
  const text = value.replace(/[\r\n\0]/g, "");
  if (isPlain(text)) return `; ${name}="${text.replace(/["\\]/g, "\\$&")}"`;
  const charset = isUtf8(Buffer.from(text, "latin1")) ? "utf-8" : "iso-8859-1";
  const [first = "", ...others] = text.replace(/[^\w.~-]/g, percent).match(PART) ?? [];
  if (others.length === 0) return `; ${name}*=${charset}''${first}`;
  const rest = others.map((part, at) => `; ${name}*${at + 1}*=${part}`);
  return `; ${name}*0*=${charset}''${first}${rest.join("")}`;
}

/** Of a field such as Content-Disposition: what stands in parameters beyond ASCII, written so; all else as it is. */
export function encodeParameters(value: string): string {
  return value.replace(
    PARAMETER,
    (whole, name: string, quoted: string | undefined, token: string | undefined) => {
      const text = quoted?.replace(/\\(.)/g, "$1") ?? (token ?? "").trim();
      return /[^\t -~]/.test(text) ? writeParameter(name, text) : whole;
    },
  );
}

function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
