/**
 * A report of TLS as it is sent (RFC 8460 3 and 5.3): who wants it, by the domain's DNS record, its name, and the mail
 * around it. Pure. What comes from DNS is hostile: whatever is no plain address or HTTPS URL is left out.
 */
import { mailDate } from "../message/received.ts";
import type { TlsReport } from "./tls-reports.ts";

export type Receiver =
  | { readonly kind: "mail"; readonly address: string }
  | { readonly kind: "https"; readonly url: string };

const MOST_RECEIVERS = 5;
const ADDRESS = /^[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/;

/** Those that the one record names; none when there is no record, or more than one. */
export function readReceivers(texts: readonly (readonly string[])[]): Receiver[] {
  const records = texts.map((parts) => parts.join("")).filter((text) => /^v=TLSRPTv1\s*;/.test(text));
  const [only = ""] = records;
  if (records.length !== 1) return [];
  const places = /;\s*rua\s*=\s*([^;]+)/.exec(only)?.[1] ?? "";
  return places
    .split(",")
    .flatMap((place) => readReceiver(place.trim()))
    .slice(0, MOST_RECEIVERS);
}

function readReceiver(place: string): Receiver[] {
  const mail = /^mailto:(.+)$/i.exec(place)?.[1];
  if (mail !== undefined) {
    const address = decode(mail);
    return ADDRESS.test(address) ? [{ kind: "mail", address }] : [];
  }
  const isUrl = /^https:\/\/[\x21-\x7e]{1,1000}$/i.test(place) && URL.canParse(place);
  return isUrl ? [{ kind: "https", url: place }] : [];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

export interface ReportMail {
  readonly report: TlsReport;
  readonly domain: string;
  /** The report as JSON, compressed. */
  readonly packed: Buffer;
  readonly from: string;
  readonly to: string;
  /** Our name. */
  readonly hostname: string;
  readonly id: string;
  readonly now: number;
}

/** RFC 8460 5.1. */
export function reportFileName(
  { "date-range": range, "report-id": id }: TlsReport,
  about: { domain: string; hostname: string },
): string {
  const seconds = (text: string): number => Date.parse(text) / 1000;
  const { "start-datetime": start, "end-datetime": end } = range;
  const unique = id.replaceAll(/[^A-Za-z0-9.-]/g, "_");
  return `${about.hostname}!${about.domain}!${seconds(start)}!${seconds(end)}!${unique}.json.gz`;
}

export function makeReportMail(mail: ReportMail): Buffer {
  const { report, domain, packed, from, to, hostname, id, now } = mail;
  const boundary = `=_${id}`;
  const body = (packed.toString("base64").match(/.{1,76}/g) ?? []).join("\r\n");
  return Buffer.from(
    [
      `Date: ${mailDate(now)}`,
      `From: <${from}>`,
      `To: <${to}>`,
      `Subject: Report Domain: ${domain}`,
      ` Submitter: ${hostname}`,
      ` Report-ID: <${report["report-id"]}>`,
      `Message-ID: <${id}@${hostname}>`,
      `TLS-Report-Domain: ${domain}`,
      `TLS-Report-Submitter: ${hostname}`,
      // A report of TLS that does not work must not need TLS (RFC 8689 5).
      "TLS-Required: No",
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      `Content-Type: multipart/report; report-type="tlsrpt";`,
      ` boundary="${boundary}"`,
      "",
      `--${boundary}`,
      "Content-Type: text/plain; charset=us-ascii",
      "",
      `How TLS went with ${domain} on ${report["date-range"]["start-datetime"].slice(0, 10)} (UTC), as ${hostname} saw it: RFC 8460.`,
      "",
      `--${boundary}`,
      "Content-Type: application/tlsrpt+gzip",
      "Content-Transfer-Encoding: base64",
      `Content-Disposition: attachment;`,
      ` filename="${reportFileName(report, { domain, hostname })}"`,
      "",
      body,
      `--${boundary}--`,
      "",
    ].join("\r\n"),
    "latin1",
  );
}
