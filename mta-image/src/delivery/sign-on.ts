/**
 * What is said between hello and the first message where a script wants it: XCLIENT, of which a host is told only what it
 * says it takes, and AUTH (RFC 4954) by PLAIN, LOGIN or CRAM-MD5. Whoever signs on does not send mail as somebody else:
 * a host that offers no AUTH, or refuses it, gets no mail for now. Pure but for `ask`, which never rejects.
 */
import { createHmac } from "node:crypto";

import type { ServerReply } from "../smtp/reply-parser.ts";
import type { SmtpLogin, TalkChoice } from "../smtp/talk-choice.ts";
import type { Capabilities } from "./capabilities.ts";

/** The line to say; null when there is nothing that the host takes. */
export function xclientLine(said: TalkChoice["xclient"], { xclient }: Capabilities): string | null {
  const pairs = said.filter(([name]) => xclient.includes(name));
  return pairs.length === 0 ? null : `XCLIENT ${pairs.map(([n, value]) => `${n}=${xtext(value)}`).join(" ")}`;
}

/** RFC 3461 4. */
function xtext(value: string): string {
  const escaped = [...Buffer.from(value === "" ? "[UNAVAILABLE]" : value)].map((byte) =>
    byte < 0x21 || byte > 0x7e || byte === 0x2b || byte === 0x3d
      ? `+${byte.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return escaped.join("");
}

/** `next` is the answer to a question of the host (334), or null when the mechanism has none. */
interface Dialogue {
  readonly line: string;
  readonly next: (question: string) => string | null;
}

/** Null when the host offers nothing that we know. */
export function authDialogue({ username, password }: SmtpLogin, { auth }: Capabilities): Dialogue | null {
  const code = (text: string): string => Buffer.from(text).toString("base64");
  if (auth.includes("PLAIN"))
    return { line: `AUTH PLAIN ${code(`\0${username}\0${password}`)}`, next: () => null };
  if (auth.includes("LOGIN")) {
    const answers = [code(username), code(password)];
    return { line: "AUTH LOGIN", next: () => answers.shift() ?? null };
  }
  if (!auth.includes("CRAM-MD5")) return null;
  const digest = (challenge: string): string =>
    createHmac("md5", password).update(Buffer.from(challenge, "base64")).digest("hex");
  const questions = [(challenge: string): string => code(`${username} ${digest(challenge)}`)];
  return { line: "AUTH CRAM-MD5", next: (question) => questions.shift()?.(question) ?? null };
}

/** Resolves with the reply that ends it, or with whatever `ask` gives that is none. */
export async function signOn<E>(
  { line, next }: Dialogue,
  ask: (line: string) => Promise<{ readonly reply: ServerReply } | E>,
): Promise<{ readonly reply: ServerReply } | E> {
  let said = await ask(line);
  while (typeof said === "object" && said !== null && "reply" in said && said.reply.code === 334) {
    const answer = next(said.reply.lines[0] ?? "");
    // A question too many: an asterisk takes it all back (RFC 4954 4).
    said = await ask(answer ?? "*");
    if (answer === null) break;
  }
  return said;
}
