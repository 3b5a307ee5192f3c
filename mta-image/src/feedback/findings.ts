/**
 * What a report says, made into findings (pure): one a recipient of a delivery status notification that failed or is
 * delayed, one for a complaint. A finding is `verified` when the return path that it came to, or that the complaint
 * quotes, is sealed for that very recipient; what is not is only told, since anybody can write a report.
 */
import { clean } from "../smtp/reply-parser.ts";
import { decodeXtext } from "../smtp/xtext.ts";
import type { FieldGroup, ReadReport } from "./report-reader.ts";
import { type ReturnPath, isSealedFor, readReturnPath } from "./return-path.ts";

export interface Finding {
  readonly type: "bounced-later" | "complained";
  /** "" when nothing says which message it was. */
  readonly messageId: string;
  readonly tenant: string | null;
  readonly recipient: string;
  readonly verified: boolean;
  /** Of a bounce: "failed" or "delayed"; of a complaint its Feedback-Type, such as "abuse". */
  readonly action: string;
  readonly status: string;
  readonly reply: string;
  readonly remoteMta: string;
}

/** `key` is null while return paths are not signed. */
export function findingsOf(report: ReadReport, to: string, key: Buffer | null): Finding[] {
  return report.kind === "delivery-status" ? bounces(report, to, key) : complaint(report, key);
}

function bounces({ groups }: ReadReport, to: string, key: Buffer | null): Finding[] {
  const path = readReturnPath(to);
  return groups.flatMap((group) => {
    const action = (group.get("action") ?? "").toLowerCase();
    const addresses = [addressIn(group.get("original-recipient")), addressIn(group.get("final-recipient"))];
    const known = addresses.filter((address) => address !== "");
    if ((action !== "failed" && action !== "delayed") || known.length === 0) return [];
    return [
      {
        type: "bounced-later" as const,
        ...who(path, known, key),
        action,
        status: /[245]\.\d{1,3}\.\d{1,3}/.exec(group.get("status") ?? "")?.[0] ?? "",
        reply: oneLine(afterType(group.get("diagnostic-code"))),
        remoteMta: oneLine(afterType(group.get("remote-mta"))),
      },
    ];
  });
}

function complaint({ groups, returned }: ReadReport, key: Buffer | null): Finding[] {
  const [fields = new Map() as FieldGroup] = groups;
  const quoted = [fields.get("original-mail-from"), ...named(returned, "return-path")];
  const path = quoted.map((text) => readReturnPath(bare(text ?? ""))).find((found) => found !== null) ?? null;
  // Many providers blot out the recipient of their report, and fewer that of the message.
  const candidates = [fields.get("original-rcpt-to") ?? "", ...named(returned, "to")];
  const recipients = candidates
    .flatMap((text) => text.split(",").map(bare))
    .filter((text) => text.includes("@"));
  return [
    {
      type: "complained",
      ...who(path, recipients.slice(0, MOST_CANDIDATES), key),
      action: oneLine(fields.get("feedback-type") ?? "other").toLowerCase(),
      status: "",
      reply: oneLine(fields.get("source-ip") ?? ""),
      remoteMta: oneLine(afterType(fields.get("reporting-mta"))),
    },
  ];
}

const MOST_CANDIDATES = 100;

function who(
  path: ReturnPath | null,
  recipients: readonly string[],
  key: Buffer | null,
): Pick<Finding, "messageId" | "tenant" | "recipient" | "verified"> {
  const sealed =
    path === null || key === null ? undefined : recipients.find((one) => isSealedFor(path, one, key));
  return {
    messageId: path?.messageId ?? "",
    tenant: path?.tenant ?? null,
    recipient: sealed ?? recipients[0] ?? "",
    verified: sealed !== undefined,
  };
}

function named(fields: ReadReport["returned"], name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value);
}

/** "rfc822; a@b" or "utf-8; a@b", xtext undone (RFC 3464 2.3, RFC 6533). */
function addressIn(field: string | undefined): string {
  const text = bare(afterType(field));
  return oneLine(decodeXtext(text) ?? text);
}

function afterType(field: string | undefined): string {
  return (field ?? "").replace(/^[^;]*;\s*/, "");
}

function bare(text: string): string {
  return /<([^<>]*)>/.exec(text)?.[1] ?? text.trim();
}

function oneLine(text: string): string {
  return clean(text).slice(0, 512);
}
