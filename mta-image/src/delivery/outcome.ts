/**
 * From what happened to what it means: the one table of delivery. Replies, DNS answers and network trouble all
 * become an Outcome here and nowhere else. Pure; never fails.
 *
 * Where a server gives no enhanced status (RFC 2034), one is chosen from the reply code; the class digit always
 * agrees with the outcome, even where a 5xx is taken as passing trouble.
 */
import { unreachable } from "#base/assert.ts";

import type { Outcome, OutcomeKind } from "../queue/courier.ts";
import { clean, type ServerReply } from "../smtp/reply-parser.ts";

/** Where in the dialogue a reply was given. */
export type Step =
  | "greeting"
  | "hello"
  | "tls"
  | "xclient"
  | "auth"
  | "mail"
  | "rcpt"
  | "data"
  | "end-of-data";

/** All that can go wrong without a reply that says so. */
export type Trouble =
  | "no-domain"
  | "null-mx"
  | "no-address"
  | "mx-excluded"
  | "dns-failed"
  | "loop"
  | "local-target"
  | "no-source-ip"
  | "no-source-id"
  | "bad-server"
  | "connect-refused"
  | "connect-timeout"
  | "connect-failed"
  | "reply-timeout"
  | "lost"
  | "garbage"
  | "tls-not-offered"
  | "tls-failed"
  | "tls-unverified"
  | "auth-not-offered"
  | "requiretls-not-offered"
  | "deliverby-not-offered"
  | "too-late"
  | "requiretls-unknown-host"
  | "dane-failed"
  | "sts-other-host"
  | "bad-sender"
  | "bad-recipient"
  | "needs-smtputf8"
  | "too-large"
  | "content-unreadable"
  | "content-lost"
  | "shutdown"
  | "internal";

interface Meaning {
  readonly kind: OutcomeKind;
  readonly status: string;
  readonly text: string;
}

/** Statuses: RFC 3463 chapter 3, RFC 7504 and RFC 7505 for 5.1.10, RFC 6531 3.6 for 5.6.7, RFC 8689 for 5.7.30. */
const MEANINGS: Readonly<Record<Trouble, Meaning>> = {
  "no-domain": { kind: "failed", status: "5.1.2", text: "The recipient's domain does not exist" },
  "null-mx": { kind: "failed", status: "5.1.10", text: "The recipient's domain takes no mail (null MX)" },
  "no-address": { kind: "failed", status: "5.4.4", text: "No mail host with an address was found" },
  "mx-excluded": { kind: "failed", status: "5.4.4", text: "No mail host with an address was found" },
  "dns-failed": { kind: "deferred", status: "4.4.3", text: "DNS gave no answer" },
  loop: { kind: "failed", status: "5.4.6", text: "Mail for this domain would come back to this host" },
  "local-target": { kind: "failed", status: "5.4.6", text: "DNS leads to an address of this machine" },
  "no-source-ip": { kind: "deferred", status: "4.4.4", text: "No source address fits the host's address" },
  "no-source-id": { kind: "deferred", status: "4.4.4", text: "No source address fits the host's address" },
  "bad-server": { kind: "deferred", status: "4.3.5", text: "The transport's server setting cannot be used" },
  "connect-refused": { kind: "deferred", status: "4.4.1", text: "Connection refused" },
  "connect-timeout": { kind: "deferred", status: "4.4.1", text: "Connection timed out" },
  "connect-failed": { kind: "deferred", status: "4.4.1", text: "Connection failed" },
  "reply-timeout": { kind: "deferred", status: "4.4.2", text: "Timed out waiting for a reply" },
  lost: { kind: "deferred", status: "4.4.2", text: "Connection lost" },
  garbage: { kind: "deferred", status: "4.5.0", text: "The host does not speak SMTP properly" },
  "tls-not-offered": { kind: "deferred", status: "4.7.4", text: "TLS is required and was not offered" },
  "tls-failed": { kind: "deferred", status: "4.7.5", text: "TLS handshake failed" },
  "tls-unverified": { kind: "deferred", status: "4.7.5", text: "The host's certificate was not accepted" },
  "auth-not-offered": { kind: "deferred", status: "4.7.0", text: "The host offers no AUTH that we know" },
  "dane-failed": { kind: "deferred", status: "4.7.5", text: "The host cannot be verified by DANE" },
  "sts-other-host": {
    kind: "deferred",
    status: "4.7.5",
    text: "The domain's MTA-STS policy does not name the host",
  },
  "requiretls-unknown-host": {
    kind: "failed",
    status: "5.7.30",
    text: "The sender requires TLS on the whole way and neither DNSSEC nor a policy names the host",
  },
  "requiretls-not-offered": {
    kind: "failed",
    status: "5.7.30",
    text: "The sender requires TLS on the whole way and the host does not promise it",
  },
  "deliverby-not-offered": {
    kind: "failed",
    status: "5.4.7",
    text: "The sender wants the mail back by a time and the host does not keep it",
  },
  "too-late": {
    kind: "failed",
    status: "5.4.7",
    text: "Not delivered by the time that the sender asked for",
  },
  "bad-sender": { kind: "failed", status: "5.1.7", text: "The sender's address cannot be sent" },
  "bad-recipient": { kind: "failed", status: "5.1.3", text: "The recipient's address cannot be sent" },
  "needs-smtputf8": {
    kind: "failed",
    status: "5.6.7",
    text: "The host does not take internationalised mail",
  },
  "too-large": { kind: "failed", status: "5.3.4", text: "The message is larger than the host takes" },
  "content-unreadable": {
    kind: "deferred",
    status: "4.3.0",
    text: "The message could not be read from the spool",
  },
  "content-lost": { kind: "failed", status: "5.3.0", text: "The message in the spool is damaged" },
  shutdown: { kind: "deferred", status: "4.3.2", text: "Shutting down" },
  internal: { kind: "deferred", status: "4.3.0", text: "Internal error" },
};

/** The outcome of trouble. `detail` is added to the table's text; `host` is "" when none was reached. */
export function outcomeOfTrouble(trouble: Trouble, host: string, detail = ""): Outcome {
  const { kind, status, text } = MEANINGS[trouble];
  return {
    kind,
    status,
    reply: oneLine(detail === "" ? text : `${text}: ${detail}`),
    remoteMta: host,
    trouble,
  };
}

/** After the end of data was sent, trouble says nothing about the message any more (RFC 5321 4.5.3.2.6). */
export function unclearOutcome(trouble: Trouble, host: string, detail = ""): Outcome {
  const outcome = outcomeOfTrouble(trouble, host, detail);
  return {
    ...outcome,
    kind: "unclear",
    status: `4${outcome.status.slice(1)}`,
    reply: oneLine(`${outcome.reply} (after the end of data)`),
  };
}

/** The outcome of a reply at a step; 2xx means delivered only at the end of data, which callers see to. */
export function outcomeOfReply(reply: ServerReply, step: Step, host: string): Outcome {
  const kind = kindOf(reply, step);
  const digit = kind === "delivered" ? "2" : kind === "failed" ? "5" : "4";
  const status = reply.enhanced === "" ? statusOf(reply.code) : reply.enhanced;
  return {
    kind,
    status: status.startsWith(digit) ? status : digit + status.slice(1),
    reply: replyLine(reply),
    remoteMta: host,
    step,
    ...(reply.lines.length > 1 ? { lines: reply.lines } : {}),
  };
}

/** A reply on one line, as it goes to logs, notices and the spool. */
function replyLine(reply: ServerReply): string {
  return oneLine(`${reply.code} ${reply.lines.length === 1 ? reply.lines[0] : reply.lines.join(" ")}`);
}

/** One line without control bytes, at most 512 bytes. */
export function oneLine(text: string): string {
  const cleaned = clean(text);
  return cleaned.length <= 512 ? cleaned : cleaned.slice(0, 512);
}

function kindOf(reply: ServerReply, step: Step): OutcomeKind {
  const { code } = reply;
  if (code < 300) return "delivered";
  if (code < 500) return "deferred";
  // Our views of the dialogue differ, which says nothing about the message.
  if (code === 503) return "deferred";
  switch (step) {
    case "greeting":
    case "hello":
    case "tls":
    case "xclient":
    case "auth":
      // Only 521 speaks for all mail and all time (RFC 7504); 554 is how blocked addresses are greeted.
      return code === 521 ? "failed" : "deferred";
    case "rcpt":
      // RFC 5321 4.5.3.1.10: 552 is an old way to say "too many recipients". With a status of its own it is not.
      return code === 552 && (reply.enhanced === "" || reply.enhanced === "5.5.3") ? "deferred" : "failed";
    case "mail":
    case "data":
    case "end-of-data":
      return "failed";
    default:
      return unreachable(step);
  }
}

/** RFC 5321 4.2.3 matched with RFC 3463; the first digit is put right by the caller. */
const STATUS_BY_CODE: ReadonlyMap<number, string> = new Map([
  [421, "4.3.2"],
  [450, "4.2.0"],
  [451, "4.3.0"],
  [452, "4.3.1"],
  [454, "4.7.0"],
  [455, "4.5.4"],
  [500, "5.5.2"],
  [501, "5.5.4"],
  [502, "5.5.1"],
  [503, "5.5.1"],
  [504, "5.5.4"],
  [521, "5.3.2"],
  [523, "5.3.4"],
  [530, "5.7.0"],
  [535, "5.7.8"],
  [551, "5.1.6"],
  [552, "5.2.2"],
  [553, "5.1.3"],
  [555, "5.5.4"],
  [556, "5.1.10"],
]);

/** 550 and 554 say so many things that a guess would mislead: they become 5.0.0. */
function statusOf(code: number): string {
  return STATUS_BY_CODE.get(code) ?? `${Math.floor(code / 100)}.0.0`;
}
