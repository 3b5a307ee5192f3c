/** What the session asks of scripts at AUTH, for a proxied command and at the end of data, and what it hears. Pure. */
import { type Reply, makeReply } from "../smtp/reply.ts";
import type { MailCopy } from "./mail-copy.ts";
import { acceptances } from "./stages.ts";
import { textOf } from "./texts.ts";
import type { Answer, Verdict } from "./verdict.ts";
import { challengeOf, replyOf } from "./wording.ts";

export interface AuthFacts {
  readonly mechanism: string;
  /** "" for mechanisms that the engine does not know. */
  readonly username: string;
  readonly password: string;
  /** How often the script has asked back. */
  readonly state: number;
  /** The client's line, base64. */
  readonly response: string;
}

export type AuthAnswer =
  | Answer<{ readonly username: string | null }>
  /** 334: the client's next line is for the script. */
  | { readonly kind: "ask"; readonly reply: Reply };

export type EndAnswer =
  /** What is stored. */
  | { readonly kind: "go"; readonly copies: readonly MailCopy[]; readonly reply: Reply | null }
  | { readonly kind: "refuse"; readonly reply: Reply };

export type ProxyAnswer =
  | { readonly kind: "pass"; readonly command: string | null }
  | { readonly kind: "reply"; readonly reply: Reply };

export function authAnswer(verdict: Verdict): AuthAnswer {
  if (verdict.kind === "refuse") return verdict;
  if (verdict.kind === "other")
    return { kind: "ask", reply: makeReply(334, "", challengeOf(verdict.action.reason)) };
  const name = verdict.wish.wish("username");
  return { ...verdict, wish: { username: typeof name === "string" ? textOf(name) : null } };
}

export function proxyAnswer(verdict: Verdict): ProxyAnswer {
  if (verdict.kind === "refuse") return { kind: "reply", reply: verdict.reply };
  if (verdict.kind === "go") return { kind: "pass", command: null };
  const { kind, options } = verdict.action;
  if (kind === "reply") return { kind: "reply", reply: replyOf(verdict.action, acceptances.proxy) };
  const changed = options?.get("command") ?? null;
  return { kind: "pass", command: typeof changed === "string" ? changed : null };
}
