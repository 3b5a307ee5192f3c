/**
 * The delivery status notification as bytes (pure): multipart/report of RFC 6522 with the fields of RFC 3464,
 * threaded to the message it speaks of by In-Reply-To and References, marked Auto-Submitted (RFC 3834). Where an
 * address is internationalised, the parts are those of RFC 6533. The notice needs SMTPUTF8 only where its own header does: parts
 * are encoded (RFC 6532 3.5) for a sender in ASCII, whose host may not know it and would never hear of the failure.
 *
 * Everything that came from outside (addresses, replies) is cleaned of control bytes before it enters a line.
 */
import { isAscii as isAsciiBytes } from "node:buffer";

import { unreachable } from "#base/assert.ts";

import { needsUtf8, withAsciiDomain } from "../message/envelope.ts";
import type { NoticeWords } from "../message/notice-words.ts";
import { mailDate } from "../message/received.ts";
import type { Notice } from "../queue/notifier.ts";
import { clean } from "../smtp/reply-parser.ts";
import { decodeXtext } from "../smtp/xtext.ts";
import { fold, lines, sendable, sendableField } from "./lines.ts";
import type { Original } from "./original.ts";

export interface ReportFacts {
  readonly notice: Notice;
  readonly original: Original;
  /** Our name: Reporting-MTA and the domain of the notice's own addresses. */
  readonly hostname: string;
  /** Id of the notice itself. */
  readonly id: string;
  /** Wall-clock ms. */
  readonly now: number;
}

type Recipient = Notice["recipients"][number];

export function makeReport(facts: ReportFacts): Buffer {
  const boundary = `=_${facts.id}`;
  const isGlobal = isInternationalized(facts.notice, facts.original);
  const part = isGlobal && !needsSmtpUtf8(facts.notice) ? encodedPart : plainPart;
  const words = wordsOf(facts.notice);
  const parts = [
    ownPart(words) ??
      part("text/plain; charset=utf-8", Buffer.from(ownExplanation(words) ?? explanation(facts), "utf8")),
    part(
      isGlobal ? "message/global-delivery-status" : "message/delivery-status",
      Buffer.from(statusFields(facts), "utf8"),
    ),
    ...(words?.returnsOriginal === false ? [] : [part(...returned(facts.original, isGlobal))]),
  ];
  const delimiter = Buffer.from(`--${boundary}\r\n`);
  return Buffer.concat([
    Buffer.from(header(facts, { boundary, isEightBit: parts.some(isEightBit) }), "utf8"),
    ...parts.flatMap((bytes) => [delimiter, bytes]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}

/** Its header has bytes beyond ASCII: it can only go where SMTPUTF8 is known. */
export function needsSmtpUtf8({ message }: Notice): boolean {
  return needsUtf8(message.envelope.sender);
}

/** It holds bytes beyond ASCII where only RFC 6533's parts may have them. */
function isInternationalized(notice: Notice, original: Original): boolean {
  const { recipients, smtpUtf8 } = notice.message.envelope;
  const hasUtf8Header = smtpUtf8 && isEightBit(original.headers);
  const isUtf8 = ({ index }: Recipient): boolean => !isAscii(recipients[index] ?? "");
  return hasUtf8Header || needsSmtpUtf8(notice) || notice.recipients.some(isUtf8);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

function isEightBit(content: Buffer): boolean {
  return !isAsciiBytes(content);
}

function returned({ whole, headers }: Original, isGlobal: boolean): [type: string, content: Buffer] {
  if (whole !== null) return [isGlobal ? "message/global" : "message/rfc822", whole];
  return [isGlobal ? "message/global-headers" : "text/rfc822-headers", headers];
}

const SUBJECTS: Readonly<Record<Notice["kind"], string>> = {
  failed: "Undelivered mail returned to sender",
  delayed: "Delayed mail, still being tried",
  relayed: "Mail was handed on",
  delivered: "Mail was delivered",
};

function introduction({ kind, retryUntil }: Notice): string[] {
  switch (kind) {
    case "failed":
      return ["Your message could not be delivered to the recipients below. It will not be tried again."];
    case "delayed":
      return [
        "Your message has not been delivered yet to the recipients below.",
        `It is being tried until ${mailDate(retryUntil ?? 0)}; you need not send it again.`,
      ];
    case "relayed":
      return [
        "Your message was handed to the mail systems of the recipients below.",
        "They do not report deliveries, so you will hear no more unless something goes wrong.",
      ];
    case "delivered":
      return ["Your message was delivered to the recipients below."];
    default:
      return unreachable(kind);
  }
}

/** All recipients of a notice have the same words (queue/settlement.ts). */
function wordsOf({ recipients }: Notice): NoticeWords | null {
  return recipients[0]?.outcome.words ?? null;
}

function ownExplanation(words: NoticeWords | null): string | null {
  return words === null || words.content === null ? null : sendable(words.content, /.{1,240}/gsu);
}

/** A whole part, its header included. */
function ownPart(words: NoticeWords | null): Buffer | null {
  if (words === null || words.part === null) return null;
  return Buffer.from(`${sendable(words.part, /.{1,960}/gs)}\r\n`, "latin1");
}

/** Ids beyond ASCII are left out for a sender in ASCII: rather without its thread than not at all. */
function threading({ notice, original }: ReportFacts): string[] {
  const fits = (id: string): boolean => needsSmtpUtf8(notice) || isAscii(id);
  const references = original.references.filter(fits);
  const parent = original.messageId !== null && fits(original.messageId) ? original.messageId : null;
  return [
    ...(parent === null ? [] : [`In-Reply-To: ${parent}`]),
    ...(references.length === 0 ? [] : [`References: ${references.join("\r\n ")}`]),
  ];
}

function header(facts: ReportFacts, mime: { boundary: string; isEightBit: boolean }): string {
  const { notice, hostname, id, now } = facts;
  const { sender } = notice.message.envelope;
  const words = wordsOf(notice);
  const own = words?.headers ?? [];
  const [, subject = SUBJECTS[notice.kind]] = own.find(([name]) => /^subject$/i.test(name)) ?? [];
  return lines([
    `Date: ${mailDate(now)}`,
    sendableField(`From: ${words?.fromName ?? "Mail Delivery System"} <MAILER-DAEMON@${hostname}>`),
    `To: <${cleanAddress(needsSmtpUtf8(notice) ? sender : withAsciiDomain(sender))}>`,
    sendableField(`Subject: ${words?.subjectPrefix ?? ""}${clean(subject)}`),
    ...own.flatMap(([name, text]) => (/^subject$/i.test(name) ? [] : [`${name}: ${clean(text)}`])),
    `Message-ID: <${id}@${hostname}>`,
    ...threading(facts),
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    "Content-Type: multipart/report; report-type=delivery-status;",
    `\tboundary="${mime.boundary}"`,
    // The whole is what its parts are (RFC 2045 6.4).
    ...(mime.isEightBit ? ["Content-Transfer-Encoding: 8bit"] : []),
    "",
    "",
  ]);
}

function explanation({ notice, hostname }: ReportFacts): string {
  const recipients = notice.recipients.flatMap((recipient) => [
    "",
    `<${addressOf(notice, recipient)}>`,
    ...fold(`    ${clean(recipient.outcome.reply)}`),
  ]);
  return lines([`This is the mail system at ${hostname}.`, "", ...introduction(notice), ...recipients, ""]);
}

function statusFields(facts: ReportFacts): string {
  const { notice, hostname } = facts;
  const envid = decodeXtext(notice.message.envelope.dsn?.envid ?? "");
  const message = [
    ...(envid === null ? [] : [`Original-Envelope-Id: ${envid}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${mailDate(notice.message.receivedAt)}`,
  ];
  const groups = notice.recipients.map((recipient) => recipientFields(facts, recipient));
  return lines([...message, "", ...groups.flatMap((fields) => [...fields, ""])]);
}

function recipientFields({ notice, now }: ReportFacts, recipient: Recipient): string[] {
  const { outcome } = recipient;
  const address = addressOf(notice, recipient);
  const type = isAscii(address) ? "rfc822" : "utf-8";
  // Text of our own is no SMTP reply and must not claim to be one (RFC 3464 2.3.6).
  const isReply = /^[245]\d\d[ -]/.test(outcome.reply);
  return [
    ...originalRecipient(notice, recipient),
    `Final-Recipient: ${type}; ${address}`,
    `Action: ${notice.kind}`,
    `Status: ${outcome.status}`,
    ...(outcome.remoteMta === "" ? [] : [`Remote-MTA: dns; ${clean(outcome.remoteMta)}`]),
    ...fold(`Diagnostic-Code: ${isReply ? "smtp" : "x-mailfleet"}; ${clean(outcome.reply)}`),
    `Last-Attempt-Date: ${mailDate(now)}`,
    ...(notice.retryUntil === null ? [] : [`Will-Retry-Until: ${mailDate(notice.retryUntil)}`]),
  ];
}

/** RFC 3464 2.3.1; an internationalised one stays in the ASCII form of RFC 6533 3 that was checked on arrival. */
function originalRecipient(notice: Notice, { index }: Recipient): string[] {
  const orcpt = notice.message.envelope.dsn?.recipients[index]?.orcpt ?? null;
  if (orcpt === null) return [];
  const semicolon = orcpt.indexOf(";");
  const type = orcpt.slice(0, semicolon).toLowerCase();
  const address = orcpt.slice(semicolon + 1);
  return [
    `Original-Recipient: ${type}; ${type === "utf-8" ? address : cleanAddress(decodeXtext(address) ?? "")}`,
  ];
}

function addressOf(notice: Notice, recipient: Recipient): string {
  return cleanAddress(notice.message.envelope.recipients[recipient.index] ?? "");
}

/** Like `clean`, but UTF-8 stays (RFC 6533). */
function cleanAddress(address: string): string {
  return address.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, " ");
}

function plainPart(type: string, content: Buffer): Buffer {
  return partOf(type, isEightBit(content) ? "8bit" : "7bit", content);
}

/** In ASCII, whatever it holds (RFC 2045 6.8). */
function encodedPart(type: string, content: Buffer): Buffer {
  if (!isEightBit(content)) return plainPart(type, content);
  const encoded = content.toString("base64").match(/.{1,76}/g) ?? [];
  return partOf(type, "base64", Buffer.from(lines(encoded)));
}

function partOf(type: string, encoding: string, content: Buffer): Buffer {
  const head = lines([`Content-Type: ${type}`, `Content-Transfer-Encoding: ${encoding}`, "", ""]);
  return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n")]);
}
