/**
 * From what a script did to what a session hears: an action, its lack or a failure as an answer, and the wishes that came with it,
 * checked. Pure; `wishedAddress` throws a Refusal for what is no address.
 */
import type { Reply } from "../smtp/reply.ts";
import { Refusal } from "../script/error.ts";
import { type Value, HslArray } from "../script/value.ts";
import { type Action, HookRun } from "./hook-run.ts";
import type { HookScript } from "./scripts.ts";
import { type SessionHook, acceptances, deferrals, failures, goodbye, rejections } from "./stages.ts";
import { addressOf, arrayOf, isMailbox, listOf } from "./texts.ts";
import { clean, replyOf } from "./wording.ts";

/** `go`: on with it; `reply` when the script wants its own words said. `isDecided`: an action said so. */
export type Answer<W> =
  | { readonly kind: "go"; readonly wish: W; readonly reply: Reply | null; readonly isDecided: boolean }
  | { readonly kind: "refuse"; readonly reply: Reply };

export type Verdict = Answer<HookRun> | { readonly kind: "other"; readonly action: Action };

/** What an action, its lack, or a failure means. */
export function judge(script: HookScript, run: HookRun): Verdict {
  const stage = script.hook as SessionHook;
  const { action } = run;
  if (action === null) return { kind: "go", wish: run, reply: null, isDecided: false };
  switch (action.kind) {
    case "accept":
      return { kind: "go", wish: run, reply: ownWords(stage, action), isDecided: true };
    case "reject":
      return { kind: "refuse", reply: replyOf(action, rejections[stage], stage === "connect") };
    case "defer":
      return { kind: "refuse", reply: replyOf(action, deferrals[stage], stage === "connect") };
    case "disconnect":
      return { kind: "refuse", reply: replyOf(action, goodbye, true) };
    default:
      return { kind: "other", action };
  }
}

export function afterFailure({ hook, onError }: HookScript): Answer<HookRun> {
  const stage = hook as SessionHook;
  const isLast = stage === "connect";
  const said = { reason: null, options: null };
  if (onError === "reject") return { kind: "refuse", reply: replyOf(said, rejections[stage], isLast) };
  if (onError === "defer") return { kind: "refuse", reply: replyOf(said, failures[stage], isLast) };
  return { kind: "go", wish: new HookRun(hook), reply: null, isDecided: false };
}

function ownWords(stage: SessionHook, action: Action): Reply | null {
  const hasWords = action.reason !== null || (action.options?.has("reply_codes") ?? false);
  return hasWords ? replyOf(action, acceptances[stage]) : null;
}

/** An address in place of the client's, or null. Throws a Refusal for what is none. */
export function wishedAddress(run: HookRun, name: string): string | null {
  const value = run.wish(name);
  if (value === null) return null;
  const address = addressOf(value);
  if (address === null || !isMailbox(address)) throw new Refusal(`${name} is no address`);
  return address;
}

/** EHLO lines that a script wants, each once: public ones add DSN, which is there already. Null when it wants the usual ones. */
export function wordsOf(value: Value): readonly string[] | null {
  if (!(value instanceof HslArray)) return null;
  const words = value.values().filter((word): word is string => typeof word === "string");
  const fine = words.map(clean).filter((word) => /^[A-Za-z0-9]/.test(word));
  return [...new Set(fine)].slice(0, 50);
}

export function saidTree(reply: Reply): HslArray {
  const lines = reply.bytes.toString("latin1").trimEnd().split("\r\n");
  const enhanced = /^\d{3}[ -](\d)\.(\d{1,3})\.(\d{1,3}) /.exec(lines[0] ?? "");
  const skip = enhanced === null ? 4 : enhanced[0].length;
  return arrayOf({
    code: reply.code,
    ...(enhanced === null ? {} : { enhanced: listOf(enhanced.slice(1).map(Number)) }),
    reason: listOf(lines.map((line) => line.slice(skip))),
  });
}
