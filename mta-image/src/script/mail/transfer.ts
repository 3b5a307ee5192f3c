/** Content transfer encodings (RFC 2045 6), written: the choice by content, base64 and quoted-printable. Pure. */

export type Encoding = "7bit" | "8bit" | "binary" | "base64" | "quoted-printable";

/** RFC 5321 4.5.3.1.6, without the line end. */
const LONGEST_LINE = 998;
const QUOTED_LINE = 76;

/**
 * As it is when every line is short ASCII; otherwise whichever of the two is shorter. What is no text has no line ends, so
 * that it stays whole only as base64.
 */
export function chooseEncoding(text: string, isText: boolean): Encoding {
  if (!isText && /\r(?!\n)|(?<!\r)\n/.test(text)) return "base64";
  if (!/[^\t\r\n\x20-\x7e]/.test(text) && longestLine(text) <= LONGEST_LINE) return "7bit";
  if (!isText) return "base64";
  const others = text.match(/[^\t\r\n\x20-\x7e]/g)?.length ?? 0;
  return others * 6 > text.length ? "base64" : "quoted-printable";
}

export function encodeBody(text: string, encoding: Encoding): string {
  if (encoding === "base64") return base64Lines(text);
  return encoding === "quoted-printable" ? quotedLines(text) : text;
}

export function isEncoding(name: string): name is Encoding {
  return ["7bit", "8bit", "binary", "base64", "quoted-printable"].includes(name);
}

function base64Lines(text: string): string {
  const code = Buffer.from(text, "latin1").toString("base64");
  return code.replace(/.{76}(?=.)/g, "$&\r\n");
}

function quotedLines(text: string): string {
  return text.replaceAll("\r\n", "\n").split("\n").map(quotedLine).join("\r\n");
}

function quotedLine(line: string): string {
  const code = line.replace(/[^\t\x20-\x3c\x3e-\x7e]/g, hex).replace(/[ \t]$/, hex);
  if (code.length <= QUOTED_LINE) return code;
  const parts: string[] = [];
  let start = 0;
  while (code.length - start > QUOTED_LINE) {
    let end = start + QUOTED_LINE - 1;
    if (code[end - 1] === "=") end -= 1;
    else if (code[end - 2] === "=") end -= 2;
    parts.push(`${code.slice(start, end)}=`);
    start = end;
  }
  return [...parts, code.slice(start)].join("\r\n");
}

function hex(byte: string): string {
  return `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function longestLine(text: string): number {
  let longest = 0;
  let start = 0;
  while (start <= text.length) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    longest = Math.max(longest, end - start);
    start = end + 1;
  }
  return longest;
}
