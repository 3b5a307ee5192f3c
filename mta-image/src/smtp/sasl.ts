/**
 * The client's side of AUTH PLAIN (RFC 4616) and AUTH LOGIN as a small machine (pure): it takes the initial response
 * and the lines that follow, and says what comes next. Answers are strict base64 and bounded by the line length.
 */
import { decodeUtf8 } from "./address.ts";
import { type Reply, makeReply, replies } from "./reply.ts";

export interface Identity {
  readonly login: string;
  readonly password: string;
}

export type SaslStep =
  | { readonly kind: "ask"; readonly reply: Reply }
  | { readonly kind: "refused"; readonly reply: Reply }
  | { readonly kind: "identity"; readonly identity: Identity };

const askPlain = makeReply(334, "", "");
const askLogin = makeReply(334, "", Buffer.from("Username:").toString("base64"));
const askPassword = makeReply(334, "", Buffer.from("Password:").toString("base64"));
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_NAME = 255;

export class SaslExchange {
  readonly #isPlain: boolean;
  #login: string | null = null;

  constructor(mechanism: "PLAIN" | "LOGIN") {
    this.#isPlain = mechanism === "PLAIN";
  }

  start(initial: string | null): SaslStep {
    if (initial !== null) return this.answer(initial === "=" ? "" : initial);
    return { kind: "ask", reply: this.#isPlain ? askPlain : askLogin };
  }

  answer(line: string): SaslStep {
    // RFC 4954 4: a lone asterisk cancels.
    if (line === "*") return refusal(replies.authCancelled);
    const text = decodeAnswer(line);
    if (text === null) return refusal(replies.badBase64);
    return this.#isPlain ? plain(text) : this.#answerLogin(text);
  }

  #answerLogin(text: string): SaslStep {
    if (this.#login !== null) return identity(this.#login, text);
    this.#login = text;
    return { kind: "ask", reply: askPassword };
  }
}

/** The text of an answer; null for what is no strict base64 of UTF-8. */
export function decodeAnswer(line: string): string | null {
  return BASE64.test(line) ? decodeUtf8(Buffer.from(line, "base64").toString("latin1")) : null;
}

/** authzid NUL authcid NUL password; nobody may act for somebody else. */
function plain(text: string): SaslStep {
  const [authorization, login = "", password, ...more] = text.split("\0");
  if (password === undefined || more.length > 0) return refusal(replies.badBase64);
  if (authorization !== "" && authorization !== login) return refusal(replies.authFailed);
  return identity(login, password);
}

function identity(login: string, password: string): SaslStep {
  const isName = /^[^\x00-\x1f\x7f]+$/.test(login) && login.length <= MAX_NAME;
  if (!isName || password === "" || password.includes("\0")) return refusal(replies.authFailed);
  return { kind: "identity", identity: { login, password } };
}

function refusal(reply: Reply): SaslStep {
  return { kind: "refused", reply };
}
