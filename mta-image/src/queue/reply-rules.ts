/**
 * What replies say in words, for those whose status says little: patterns of the large providers' and the common
 * servers' texts, the most telling first. Administrators add theirs in front (`bounces.rules`). Matched against the
 * reply in lower case, at most 512 bytes; none of the patterns can take long on any text.
 */
import type { ReplyClass } from "#contract/bounces-config.ts";

export const replyRules: readonly { readonly class: ReplyClass; readonly pattern: RegExp }[] = [
  { class: "suppressed", pattern: /^the recipient is suppressed/ },
  { class: "greylisted", pattern: /gr[ae]y-?list/ },
  {
    class: "rate-limited",
    pattern:
      /\[tss?04\]|ts0[0-9]|too many (?:connections|messages|recipients|concurrent|emails)|rate.?limit|throttl|try again later, closing|temporarily deferred|unusual rate|exceeded the (?:rate|maximum number of connections)|\(s77[0-9a-z]*\)|slow down/,
  },
  {
    class: "blocked",
    pattern:
      /block ?list|black ?list|deny ?list|\brbl\b|dnsbl|spamhaus|spamcop|barracuda|(?:poor|low|bad) reputation/,
  },
  {
    class: "spam",
    pattern:
      /spam|unsolicited|junk mail|\bbulk mail|suspicious|looks like.{0,40}abuse|content rejected|hvu:b/,
  },
  { class: "blocked", pattern: /proofpoint|cloudmark|\bblocked\b|banned sending ip/ },
  { class: "virus", pattern: /virus|malware|infected/ },
  {
    class: "authentication",
    pattern: /\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|not authenticated email|reverse dns|\bptr record/,
  },
  {
    class: "mailbox-full",
    pattern:
      /(?:mailbox|inbox|account|quota).{0,40}(?:full|exceed|over)|over.?quota|out of storage|insufficient (?:mailbox )?(?:storage|space)/,
  },
  {
    class: "inactive-mailbox",
    pattern:
      /(?:mailbox|account|user|recipient).{0,40}(?:disabled|inactive|suspended|expired|deactivated|discontinued|no longer)/,
  },
  {
    class: "bad-mailbox",
    pattern:
      /(?:no such|unknown|invalid|nonexistent|non-existent|undeliverable) (?:user|recipient|mailbox|address|local|account|person)|(?:user|recipient|mailbox|address|account|alias).{0,60}(?:unknown|not found|does ?n.t exist|does not exist|unavailable|rejected|invalid|not exist|undeliverable)|user does ?n.t have|no mailbox here|not a valid (?:user|recipient|mailbox)/,
  },
  {
    class: "bad-domain",
    pattern: /domain.{0,40}(?:not found|does not exist|not exist|invalid)|host (?:unknown|not found)/,
  },
  {
    class: "relaying",
    pattern:
      /relay(?:ing)?.{0,30}(?:denied|not (?:permitted|allowed)|prohibited|access)|unable to relay|not (?:permitted|allowed) to relay/,
  },
  {
    class: "bad-sender",
    pattern: /sender.{0,40}(?:rejected|denied|invalid|unknown|not exist|verify|refused)/,
  },
  { class: "too-large", pattern: /(?:message|mail|size).{0,40}(?:too (?:large|big)|exceeds|size limit)/ },
  { class: "content", pattern: /attachment|prohibited content|message content|executable/ },
  { class: "routing", pattern: /\bloop|too many hops|hop count|unrouteable|unroutable|no route/ },
  {
    class: "policy",
    pattern: /policy|policies|access denied|not (?:authorized|permitted|allowed)|prohibited|refused/,
  },
  {
    class: "system",
    pattern:
      /local (?:error|problem)|internal|resources|temporar(?:y|ily)|service (?:unavailable|not available)|maintenance|system/,
  },
];
