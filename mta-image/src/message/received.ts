/**
 * The trace field (RFC 5321 4.4), and what the header of a message says about its way: how many of those it brings (6.3),
 * and whether it may go without TLS. Pure. The HELO name is the
 * client's word; the session let only harmless characters through, and it is set apart from what we saw.
 */
import type { Origin } from "./envelope.ts";

export function makeReceived(facts: {
  readonly id: string;
  readonly hostname: string;
  readonly origin: Origin;
  /** Wall-clock ms. */
  readonly at: number;
}): Buffer {
  const { id, hostname, origin } = facts;
  const peer = origin.remoteIp.includes(":") ? `IPv6:${origin.remoteIp}` : origin.remoteIp;
  // A client of our UNIX socket has no address.
  const from = `from ${origin.helo} (${peer === "" ? "local" : `[${peer}]`})`;
  const tls = origin.tls === null ? "" : `\r\n\t(${origin.tls})`;
  const by = `\r\n\tby ${hostname} (Mailfleet) with ${origin.protocol} id ${id}`;
  return Buffer.from(`Received: ${from}${tls}${by};\r\n\t${mailDate(facts.at)}\r\n`, "latin1");
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
let lastSecond = -1;
let lastText = "";

/** RFC 5322 3.3 date-time in UTC, such as "Mon, 23 Nov 2026 20:19:35 +0000". */
export function mailDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second === lastSecond) return lastText;
  const date = new Date(second * 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const day = `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  lastText = `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
  lastSecond = second;
  return lastText;
}

/** What the header block of a message that comes in chunks says about its way. */
export class WayFields {
  /** Received fields. */
  received = 0;
  /** `TLS-Required: No` (RFC 8689 5). */
  isTlsOptional = false;
  #isHeader = true;
  /** The start of the line that the last chunk cut, as far as it matters. */
  #rest = "";

  push(chunk: Buffer): void {
    if (!this.#isHeader) return;
    const end = chunk.indexOf("\r\n\r\n");
    const text = this.#rest + chunk.toString("latin1", 0, end === -1 ? chunk.length : end);
    const lines = text.split("\r\n");
    const last = end === -1 ? lines.pop() : undefined;
    for (const line of lines) {
      if (line === "") return this.#endHeader();
      this.#look(line);
    }
    if (end !== -1) return this.#endHeader();
    // Long lines are folded text; only their first bytes can name the field. A cut CRLF stays whole.
    this.#rest =
      last === undefined
        ? ""
        : last.length > 64
          ? `${last.slice(0, 32)}${last.endsWith("\r") ? "\r" : ""}`
          : last;
  }

  #look(line: string): void {
    if (/^received[ \t]*:/i.test(line)) this.received++;
    else if (/^tls-required[ \t]*:[ \t]*no[ \t]*$/i.test(line)) this.isTlsOptional = true;
  }

  #endHeader(): void {
    this.#isHeader = false;
    this.#rest = "";
  }
}
