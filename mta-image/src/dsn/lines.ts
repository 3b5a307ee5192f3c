/** Texts of a notice as lines that SMTP carries (RFC 5322 2.1.1). Pure. */

/** Of a status field: a Diagnostic-Code with a long reply is folded well before the limit. */
const FOLD_AT = 76;
const MOST_BYTES = 998;

/** Whatever a script wrote; `longest` matches as much as goes into one line. */
export function sendable(text: string, longest: RegExp): string {
  const short = text.split(/\r\n|\r|\n/).flatMap((line) => line.match(longest) ?? [""]);
  return lines(short.map((line) => line.replaceAll("\0", " ")));
}

/** A field of the header, broken at spaces where it is too long. */
export function sendableField(field: string): string {
  return field.length <= MOST_BYTES ? field : field.replace(/(.{1,900}) (?=\S)/g, "$1\r\n ");
}

/** Breaks at spaces; what has none stays whole, since replies are bounded to 512 bytes. */
export function fold(text: string): string[] {
  const folded: string[] = [];
  let rest = text;
  while (rest.length > FOLD_AT) {
    const at = rest.lastIndexOf(" ", FOLD_AT);
    if (at <= 4) break;
    folded.push(rest.slice(0, at));
    rest = `    ${rest.slice(at + 1)}`;
  }
  return [...folded, rest];
}

export function lines(text: readonly string[]): string {
  return text.join("\r\n");
}
