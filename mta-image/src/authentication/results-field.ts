/**
 * The Authentication-Results field (RFC 8601) as bytes that are safe in any header: what the results quote from the
 * message is reduced to printable ASCII, and lines are folded at blanks. Pure; never fails.
 */

/** RFC 5322 2.1.1 asks for 78 and forbids more than 998. */
const LINE = 78;
const LONGEST = 900;

/** The whole field, with CRLF. */
export function resultsField(authority: string, results: readonly string[]): string {
  return `Authentication-Results: ${resultsValue(authority, results)}\r\n`;
}

/** The value, folded; also what an ARC-Authentication-Results field repeats. */
export function resultsValue(authority: string, results: readonly string[]): string {
  const parts = results.length === 0 ? ["none"] : results;
  return [clean(authority), ...parts.map((part) => foldLine(clean(part)))].join(";\r\n\t");
}

function clean(text: string): string {
  return text
    .replace(/[\r\n\t]+/g, " ")
    .replace(/[^\x20-\x7e]/g, "?")
    .trim();
}

function foldLine(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").map((part) => part.slice(0, LONGEST))) {
    if (line !== "" && line.length + 1 + word.length > LINE) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\r\n\t ");
}
