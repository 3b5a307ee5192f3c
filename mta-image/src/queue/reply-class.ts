/**
 * Why mail was not delivered, as one of a few classes (pure): administrators' rules first, then the enhanced status
 * where it says something (RFC 3463 and IANA's registry of enhanced status codes), then what the text says, then what
 * is left of the status. A status that delivery chose for a server that gave none does not count as the server's word.
 */
import { patternOf } from "#base/pattern.ts";
import type { BouncesConfig, ReplyClass } from "#contract/bounces-config.ts";

import type { Outcome } from "./courier.ts";
import { replyRules } from "./reply-rules.ts";

/** By subject and detail; details that are not here are looked up with 0 in their place at the end. */
const telling: Readonly<Record<string, ReplyClass>> = {
  "1.1": "bad-mailbox",
  "1.2": "bad-domain",
  "1.3": "bad-mailbox",
  "1.4": "bad-mailbox",
  "1.6": "inactive-mailbox",
  "1.7": "bad-sender",
  "1.8": "bad-sender",
  "1.10": "bad-domain",
  "2.1": "inactive-mailbox",
  "2.2": "mailbox-full",
  "2.3": "too-large",
  "3.1": "system",
  "3.2": "system",
  "3.4": "too-large",
  "3.5": "configuration",
  "4.1": "no-answer",
  "4.2": "connection",
  "4.3": "dns",
  "4.4": "routing",
  "4.5": "rate-limited",
  "4.6": "routing",
  "4.7": "expired",
  "5.3": "rate-limited",
  "7.4": "tls",
  "7.5": "tls",
  "7.8": "authentication",
  "7.9": "authentication",
  "7.10": "tls",
  "7.11": "tls",
  "7.20": "authentication",
  "7.21": "authentication",
  "7.22": "authentication",
  "7.23": "authentication",
  "7.24": "authentication",
  "7.25": "authentication",
  "7.26": "authentication",
  "7.27": "bad-sender",
  "7.28": "rate-limited",
  "7.29": "authentication",
  "7.30": "tls",
};

/** When neither detail nor text say more. */
const subjects: readonly ReplyClass[] = [
  "other",
  "bad-mailbox",
  "inactive-mailbox",
  "system",
  "connection",
  "protocol",
  "content",
  "policy",
];

export type Classify = (outcome: Pick<Outcome, "reply" | "status">, domain: string) => string;

export function makeClassifier({ rules }: BouncesConfig): Classify {
  const own = rules.map((rule) => ({
    name: rule.class,
    pattern: patternOf(rule.reply),
    fits: domainTest(rule.domain?.toLowerCase()),
  }));
  return ({ reply, status }, domain) =>
    own.find(({ pattern, fits }) => fits(domain) && pattern.test(reply))?.name ?? classOf(reply, status);
}

function classOf(reply: string, status: string): ReplyClass {
  const [, code = "", given = ""] = /^([245]\d\d)[ -]?(?:[245]\.(\d{1,3}\.\d{1,3})\b)?/.exec(reply) ?? [];
  // What is no reply is our own word about the connection.
  const word = code === "" ? status.slice(2) : given;
  const said = telling[word];
  if (said !== undefined) return said;
  const text = reply.toLowerCase();
  const found = replyRules.find(({ pattern }) => pattern.test(text))?.class;
  return found ?? subjects[Number.parseInt(word, 10)] ?? "other";
}

function domainTest(domain: string | undefined): (name: string) => boolean {
  if (domain === undefined) return () => true;
  if (!domain.startsWith("*.")) return (name) => name === domain;
  return (name) => name.endsWith(domain.slice(1));
}
