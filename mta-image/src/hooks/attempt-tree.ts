/**
 * What postdelivery hears of an attempt, as arrays of docs/hooks.md. Pure; made only for scripts that name it. What servers say
 * is theirs: bytes, never believed.
 */
import { type NoticeKind, kindOfArrival } from "../message/notice-wishes.ts";
import type { AttemptRules, HeldPolicy, Reached, ReachedTlsa } from "../smtp/reached.ts";
import { type Key, keyOf } from "../script/key.ts";
import { type Value, HslArray } from "../script/value.ts";
import { causeOf, stateOf } from "./attempt-words.ts";
import { certificateTree } from "./certificate-tree.ts";
import { type Tree, arrayOf, bytesOf, listOf } from "./texts.ts";
import { cipherTree } from "./trees.ts";

/** What became of a recipient, as whoever delivers says it. */
export interface TriedOutcome {
  readonly kind: "delivered" | "deferred" | "failed" | "unclear";
  readonly reply: string;
  readonly status: string;
  readonly remoteMta: string;
  readonly success?: "reported" | "final";
  readonly trouble?: string;
  readonly step?: string;
  readonly lines?: readonly string[];
  readonly via?: { readonly reached: Reached; readonly transactions: number };
  readonly plugin?: unknown;
}

/** What became of an attempt. */
export interface AttemptFacts {
  readonly outcome: TriedOutcome;
  /** There was none: the script before it gave up. */
  readonly decided?: "bounce" | "delete" | null;
  /** It was the last one: that the schedule has, or within the sender's time. */
  readonly isExpired: boolean;
  /** What the notice says of one that was put off then; absent: the class of the status changes alone. */
  readonly expiredStatus?: string | undefined;
  readonly durationMs: number;
  /** What a plugin that delivered wants scripts to know. */
  readonly pluginReturn: Value | undefined;
  /** The id of the address that it left from; null for one without. */
  readonly localIpId: (ip: string) => string | null;
  readonly rules: AttemptRules | null;
  /** Gives the id that a notice of that kind will have; null where the sender gets none. */
  readonly foretell: (kind: NoticeKind) => (() => string) | null;
  /** It was sent back at a door of the queue, and nothing was tried. */
  readonly refusal?: Refusal | undefined;
}

/** A plugin's no at a door of the queue. */
export interface Refusal {
  /** What it said. */
  readonly pluginReturn: Value;
}

export function queueTree(refusal: Refusal | undefined): { readonly queue?: Tree } {
  return refusal === undefined ? {} : { queue: { plugin: { return: refusal.pluginReturn } } };
}

export function attemptArguments(retry: number, attempt: AttemptFacts): HslArray {
  const { outcome, decided = null, isExpired, expiredStatus, rules, refusal, foretell } = attempt;
  if (decided !== null) return givenUpArguments(retry, decided, attempt);
  const { kind } = outcome;
  const isOver = kind === "failed" || isExpired;
  return arrayOf({
    retry,
    expired: isExpired,
    action: kind === "delivered" ? undefined : isOver ? "BOUNCE" : "QUEUE",
    attempt: attemptTree(attempt),
    dsn: noticeTree(outcome, { isOver, foretell, expiredStatus }),
    ...(rules === null ? {} : rulesTree(rules)),
    ...queueTree(refusal),
  });
}

/** Of a recipient that was given up before anything was tried. Without a notice there is no action of one. */
function givenUpArguments(
  retry: number,
  decided: "bounce" | "delete",
  { outcome, refusal, foretell, isExpired }: AttemptFacts,
): HslArray {
  const notice = noticeTree(outcome, { isOver: true, foretell });
  return arrayOf({
    retry,
    expired: isExpired,
    action: decided === "bounce" ? "BOUNCE" : "DELETE",
    dsn: decided === "bounce" ? notice : { diagnosticcode: bytesOf(outcome.reply) },
    ...queueTree(refusal),
  });
}

function attemptTree({ outcome, durationMs, pluginReturn, localIpId }: AttemptFacts): Tree {
  const { via, remoteMta } = outcome;
  const connection =
    via !== undefined
      ? connectionTree(via.reached, { transactions: via.transactions, localIpId })
      : remoteMta === ""
        ? undefined
        : { remotemx: bytesOf(remoteMta) };
  return {
    ...heardTree(outcome),
    duration: durationMs / 1000,
    ...(connection === undefined ? {} : { connection }),
    ...(pluginReturn === undefined ? {} : { plugin: { return: pluginReturn } }),
  };
}

const reply = /^(\d{3}) (.*)$/s;

/** A reply is a result; what was wrong without one is an error. */
function heardTree({
  kind,
  reply: heard,
  status,
  step,
  lines,
  trouble,
  plugin,
}: TriedOutcome): Record<string, Tree> {
  const [, code, text = ""] = reply.exec(heard) ?? [];
  if (code === undefined) {
    const cause = plugin === undefined ? causeOf(trouble, heard) : { type: "plugin", dns: null };
    return {
      error: {
        temporary: kind !== "failed",
        message: bytesOf(heard),
        ...(cause.type === null ? {} : { type: cause.type }),
        ...(cause.dns === null ? {} : { dns: cause.dns }),
      },
    };
  }
  const state = stateOf(step);
  return {
    result: {
      code: Number(code),
      enhanced: statusTree(status),
      reason: listOf(
        (lines ?? [text]).map((line) => bytesOf(line.replace(/^\d\.\d{1,3}\.\d{1,3}(?: |$)/, ""))),
      ),
      ...(state === null ? {} : { state }),
    },
  };
}

/** What a notice of the outcome says, whether one is sent or not; and its id, drawn when a script looks, if one is sent. */
function noticeTree(
  { kind, reply: heard, status, success }: TriedOutcome,
  how: { isOver: boolean } & Pick<AttemptFacts, "foretell" | "expiredStatus">,
): Tree {
  const { isOver, foretell, expiredStatus } = how;
  const digit = kind === "delivered" ? "2" : isOver ? "5" : "4";
  const action = kind === "delivered" ? kindOfArrival(success) : isOver ? "failed" : "delayed";
  const idOf = foretell(action);
  return {
    action,
    ...(idOf === null ? {} : { id: () => ({ transaction: idOf(), queue: 1 }) }),
    status: statusTree(expiredStatus ?? digit + status.slice(1)),
    diagnostictype: reply.test(heard) ? "smtp" : "x-error",
    diagnosticcode: bytesOf(heard),
  };
}

function statusTree(status: string): HslArray {
  return listOf(status.split(".").map(Number));
}

function rulesTree({ grouping, tags, policies }: AttemptRules): Record<string, Tree> {
  return {
    grouping: bytesOf(grouping),
    policy: { tags: listOf(tags.map(bytesOf)), policies: listOf(policies.map(policyTree)) },
  };
}

function policyTree({ id, fields, tag, properties }: HeldPolicy): Tree {
  const named = Object.entries(properties).map(([name, value]): readonly [Key, Value] => [
    keyOf(bytesOf(name)) ?? "",
    typeof value === "string" ? bytesOf(value) : value,
  ]);
  return {
    id: bytesOf(id),
    fields: listOf(fields),
    ...(tag === null ? {} : { tags: listOf([bytesOf(tag)]) }),
    properties: HslArray.from(named),
  };
}

function connectionTree(
  reached: Reached,
  { transactions, localIpId }: { transactions: number; localIpId: (ip: string) => string | null },
): Tree {
  const { id, host, remoteIp, remotePort, localIp, localPort, helo, greeting } = reached;
  const localId = localIpId(localIp);
  return {
    id,
    transactions,
    ...(localIp === "" ? {} : { localip: localIp }),
    ...(localPort === 0 ? {} : { localport: localPort }),
    ...(localId === null ? {} : { localipid: bytesOf(localId) }),
    helo: bytesOf(helo),
    ...(remoteIp === "" ? {} : { remoteip: remoteIp, remoteport: remotePort }),
    remotemx: bytesOf(host),
    ...(greeting.length === 0 ? {} : { remotegreet: listOf(greeting.map(bytesOf)) }),
    tls: tlsTree(reached),
  };
}

function tlsTree({ tls, tlsFailure, tlsa }: Reached): Tree {
  const leaf = tls?.leaf ?? null;
  return {
    started: tls !== null,
    ...(tls === null ? {} : cipherTree(tls.description)),
    ...(leaf === null ? {} : { peercert: certificateTree(leaf, tls?.unverified ?? null) }),
    ...(tlsFailure === null ? {} : { tlsrpt: tlsFailure }),
    ...(tlsa === null ? {} : { tlsa: recordsTree(tlsa) }),
  };
}

function recordsTree({ records, refusal }: ReachedTlsa): Tree {
  return {
    ...(refusal === null ? {} : { error: { temporary: true, message: bytesOf(refusal) } }),
    records: listOf(
      records.map(({ usage, selector, matching, data }) => ({
        usage,
        selector,
        mtype: matching,
        data: data.toString("hex"),
      })),
    ),
  };
}
