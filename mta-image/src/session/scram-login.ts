/**
 * One AUTH SCRAM-SHA-256 exchange as lines of base64 (RFC 4954, RFC 5802). A login that does not exist gets a challenge
 * like any other, the same each time, so that nobody learns which do. Never rejects.
 */
import { randomBytes } from "node:crypto";

import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import { decodeAnswer } from "../smtp/sasl.ts";
import {
  type ClientFirst,
  type ScramKeys,
  judgeClientFinal,
  readClientFirst,
  serverFirst,
} from "../smtp/scram.ts";
import type { ScramBook } from "./credentials.ts";

export type ScramStep =
  | { readonly kind: "ask"; readonly reply: Reply }
  | { readonly kind: "refused"; readonly reply: Reply }
  | { readonly kind: "right"; readonly login: string };

interface Challenged {
  readonly first: ClientFirst;
  readonly challenge: string;
  readonly keys: ScramKeys;
  readonly isKnown: boolean;
  readonly ours: string;
}

const ask = (text: string): ScramStep => ({
  kind: "ask",
  reply: makeReply(334, "", Buffer.from(text).toString("base64")),
});
const refused = (reply: Reply): ScramStep => ({ kind: "refused", reply });

export class ScramLogin {
  readonly #book: ScramBook;
  #challenged: Challenged | null = null;
  #proven: string | null = null;

  constructor(book: ScramBook) {
    this.#book = book;
  }

  start(initial: string | null): ScramStep {
    return initial === null ? ask("") : this.answer(initial);
  }

  answer(line: string): ScramStep {
    if (line === "*") return refused(replies.authCancelled);
    const text = decodeAnswer(line);
    if (text === null) return refused(replies.badBase64);
    // Our proof went out as a challenge; the client's answer to it is empty (RFC 4422 5).
    if (this.#proven !== null)
      return text === "" ? { kind: "right", login: this.#proven } : refused(replies.authFailed);
    return this.#challenged === null ? this.#challenge(text) : this.#judge(this.#challenged, text);
  }

  #challenge(text: string): ScramStep {
    const first = readClientFirst(text);
    if (first === null) return refused(replies.badBase64);
    const { keys, isKnown } = this.#book.keys(first.login);
    const ours = randomBytes(18).toString("base64");
    const challenge = serverFirst(first, keys, ours);
    this.#challenged = { first, challenge, keys, isKnown, ours };
    return ask(challenge);
  }

  #judge(challenged: Challenged, text: string): ScramStep {
    const proof = judgeClientFinal(text, challenged);
    if (proof === null || !challenged.isKnown) return refused(replies.authFailed);
    this.#proven = challenged.first.login;
    return ask(proof);
  }
}
