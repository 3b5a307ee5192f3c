/**
 * What a trace may show of a line (pure). Masking happens before anything is kept, so no bound, dump or reader can
 * bring a secret back. Who sends a password where it is not asked for (a client that ignores a refused AUTH) is
 * covered too: of a line that begins with no verb of SMTP only the length is told.
 */

const VERBS =
  /^(?:EHLO|HELO|LHLO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS|XCLIENT|\.|\*)(?=$|[ :\r\n])/i;
const AUTH = /^(AUTH)(?: +([A-Za-z0-9_-]{1,20})(?= |$))?(.*)$/is;
const MASK = "***";
const LONGEST = 512;

/** A command line without its line end. */
export function maskedCommand(line: string): string {
  const [, verb, mechanism, rest = ""] = AUTH.exec(line) ?? [];
  if (verb !== undefined) {
    return [verb, mechanism, rest.trim() === "" ? undefined : MASK].filter(Boolean).join(" ");
  }
  return VERBS.test(line) ? printable(line) : `(${line.length} bytes that are no command)`;
}

/** A line of an exchange that AUTH began. */
export const maskedAnswer = MASK;

/** A reply without its last line end; challenges of AUTH (334) hold salts and nonces. */
export function maskedReply(text: string): string {
  return text.startsWith("334") ? `334 ${MASK}` : printable(text);
}

/** Control bytes, which a terminal would obey, become \xNN; line ends of what has several lines stay. */
export function printable(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut
    .replaceAll("\r\n", "\n")
    .replaceAll(
      /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g,
      (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
}
