/** Names of LDAP as text: filters (RFC 4515), distinguished names (RFC 4514), and what result codes mean. Pure but for what the run pays. */
import { meter } from "../meter.ts";
import { trimEnd } from "../trim.ts";

const codes: Readonly<Record<number, string>> = {
  [-12]: "Operation not supported",
  [-9]: "Bad parameter to an ldap routine",
  [-7]: "Bad search filter",
  [-5]: "Timed out",
  [-1]: "Can't contact LDAP server",
  0: "Success",
  1: "Operations error",
  2: "Protocol error",
  3: "Time limit exceeded",
  4: "Size limit exceeded",
  7: "Authentication method not supported",
  8: "Strong(er) authentication required",
  10: "Referral",
  11: "Administrative limit exceeded",
  12: "Critical extension is unavailable",
  13: "Confidentiality required",
  16: "No such attribute",
  17: "Undefined attribute type",
  18: "Inappropriate matching",
  19: "Constraint violation",
  20: "Type or value exists",
  21: "Invalid syntax",
  32: "No such object",
  33: "Alias problem",
  34: "Invalid DN syntax",
  36: "Alias dereferencing problem",
  48: "Inappropriate authentication",
  49: "Invalid credentials",
  50: "Insufficient access",
  51: "Server is busy",
  52: "Server is unavailable",
  53: "Server is unwilling to perform",
  54: "Loop detected",
  80: "Internal (implementation specific) error",
};

export function codeText(code: number): string {
  return codes[code] ?? "Unknown error";
}

/** Of one that is written in another way. */
const STEPS_A_BYTE = 20;

/** Bytes that mean something in a filter, and all beyond ASCII, as \XX. */
export function escapeFilter(value: string): string {
  return value.replace(/[\0()*\\\x80-\xff]/g, (char) => {
    meter.charge(STEPS_A_BYTE);
    return `\\${hex(char)}`;
  });
}

export type NameParts = readonly (readonly [type: string, value: string])[];

/** Bytes to parts, most specific first; null for what is no name. Values of several types in one part (a+b) are parts of their own. */
export function parseName(text: string): NameParts | null {
  if (text.trim() === "") return [];
  // Space around a value without quotes is part of it until it is trimmed: two that could take it would take its square.
  const one =
    /\s*([A-Za-z][\w.-]*|\d+(?:\.\d+)*)\s*=(\s*"[^"\\]*(?:\\.[^"\\]*)*"\s*|[^,+"\\<>;]*(?:\\.[^,+"\\<>;]*)*)([,;+]|$)/sy;
  const parts: [string, string][] = [];
  for (;;) {
    const found = one.exec(text);
    if (found === null) return null;
    const [, type = "", value = "", end] = found;
    const bare = value.replace(/^\s+/, "");
    const quoted = bare.startsWith('"') ? bare.slice(1, bare.lastIndexOf('"')) : null;
    parts.push([type, plain(quoted ?? trimmed(bare))]);
    if (end === "") return parts;
  }
}

export function writeName(parts: NameParts): string | null {
  if (!parts.every(([type]) => /^([A-Za-z][\w-]*|\d+(\.\d+)*)$/.test(type))) return null;
  return parts.map(([type, value]) => `${type}=${escapeValue(value)}`).join(",");
}

function escapeValue(value: string): string {
  return value
    .replace(/[",+;<>\\]/g, (char) => `\\${char}`)
    .replace(/[\0\r\n]/g, (char) => `\\${hex(char)}`)
    .replace(/^[ #]| $/g, (char) => `\\${char}`);
}

/** Without spaces behind it that nothing protects. */
function trimmed(value: string): string {
  const text = trimEnd(value, " ");
  return text.endsWith("\\") && text.length < value.length ? `${text} ` : text;
}

function plain(value: string): string {
  return value.replace(/\\([0-9a-fA-F]{2}|.)/gs, (_, what: string) =>
    what.length === 2 ? String.fromCharCode(Number.parseInt(what, 16)) : what,
  );
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, "0");
}
