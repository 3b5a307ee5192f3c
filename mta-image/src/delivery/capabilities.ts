/**
 * What a server said it can do in its answer to EHLO. Values that make no sense are ignored: a hostile answer
 * costs speed, never correctness. Pure; never fails.
 */

export interface Capabilities {
  readonly pipelining: boolean;
  readonly startTls: boolean;
  /** RFC 3030: BDAT in place of DATA. */
  readonly chunking: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  /** RFC 3461: the host reports success itself when it is asked to. */
  readonly dsn: boolean;
  /** RFC 8689: the host promises to pass mail on in TLS only. */
  readonly requireTls: boolean;
  /** RFC 2852: the host keeps the sender's time. */
  readonly deliverBy: boolean;
  /** RFC 6710. */
  readonly priority: boolean;
  /** SIZE was offered, so MAIL may say how large the message is. */
  readonly size: boolean;
  /** Largest message in bytes, or null for no fixed limit (RFC 1870 4). */
  readonly maxSizeBytes: number | null;
  /** Recipients in one transaction (RFC 9422 RCPTMAX; every server takes 100, RFC 5321 4.5.3.1.8). */
  readonly maxRecipients: number;
  /** Transactions in one connection (RFC 9422 MAILMAX), or null. */
  readonly maxTransactions: number | null;
  /** Mechanisms of AUTH (RFC 4954), and attributes that XCLIENT takes, in upper case. */
  readonly auth: readonly string[];
  readonly xclient: readonly string[];
}

const DEFAULT_RECIPIENTS = 100;
/** A server may allow more, but one transaction is one outcome: a lost line repeats all of it. */
const MOST_RECIPIENTS = 1000;

/** What a server that only knows HELO can do. */
export const plainCapabilities: Capabilities = {
  pipelining: false,
  startTls: false,
  chunking: false,
  eightBitMime: false,
  smtpUtf8: false,
  dsn: false,
  requireTls: false,
  deliverBy: false,
  priority: false,
  size: false,
  maxSizeBytes: null,
  maxRecipients: DEFAULT_RECIPIENTS,
  maxTransactions: null,
  auth: [],
  xclient: [],
};

/** Reads the lines of an EHLO reply without their codes; the first is the server's name. */
export function readCapabilities(lines: readonly string[]): Capabilities {
  const offered = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [keyword = "", ...rest] = line.trim().split(/ +/);
    const name = keyword.toUpperCase();
    if (name !== "" && !offered.has(name)) offered.set(name, rest.join(" "));
  }
  const limits = readLimits(offered.get("LIMITS") ?? "");
  const rcptMax = limits.get("RCPTMAX") ?? DEFAULT_RECIPIENTS;
  return {
    pipelining: offered.has("PIPELINING"),
    startTls: offered.has("STARTTLS"),
    chunking: offered.has("CHUNKING"),
    eightBitMime: offered.has("8BITMIME"),
    smtpUtf8: offered.has("SMTPUTF8"),
    dsn: offered.has("DSN"),
    requireTls: offered.has("REQUIRETLS"),
    deliverBy: offered.has("DELIVERBY"),
    priority: offered.has("MT-PRIORITY"),
    size: offered.has("SIZE"),
    maxSizeBytes: positive(offered.get("SIZE") ?? ""),
    maxRecipients: Math.min(rcptMax, MOST_RECIPIENTS),
    maxTransactions: limits.get("MAILMAX") ?? null,
    auth: wordsOf(offered.get("AUTH")),
    xclient: wordsOf(offered.get("XCLIENT")),
  };
}

function wordsOf(text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : text.toUpperCase().split(" ");
}

/** RFC 9422: `LIMITS RCPTMAX=20 MAILMAX=5`; zero and junk are left out. */
function readLimits(text: string): Map<string, number> {
  const limits = new Map<string, number>();
  for (const item of text.split(" ")) {
    const [name = "", value = ""] = item.split("=");
    const limit = positive(value);
    if (limit !== null) limits.set(name.toUpperCase(), limit);
  }
  return limits;
}

function positive(text: string): number | null {
  if (!/^\d{1,15}$/.test(text)) return null;
  const value = Number(text);
  return value > 0 ? value : null;
}
