/**
 * The header block as a list of fields for people to look at (pure). Never throws: bytes are read as UTF-8 where they
 * are that and as Latin-1 otherwise, lines that are no fields are shown without a name.
 */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** More fields than this say nothing more to a reader. */
const MAX_FIELDS = 500;

/** `start` is the message from its first byte, perhaps cut. */
export function headerFields(start: Buffer): HeaderField[] {
  const end = start.indexOf("\r\n\r\n");
  const block = end === -1 ? start : start.subarray(0, end);
  return decode(block)
    .replace(/\r\n(?=[ \t])/g, "")
    .split("\r\n")
    .filter((line) => line !== "")
    .slice(0, MAX_FIELDS)
    .map(fieldOf);
}

function decode(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? bytes.toString("latin1") : text;
}

function fieldOf(line: string): HeaderField {
  const match = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:[ \t]*(.*)$/s.exec(line);
  return match === null ? { name: "", value: line } : { name: match[1] ?? "", value: match[2] ?? "" };
}
