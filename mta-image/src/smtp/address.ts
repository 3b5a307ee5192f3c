/**
 * Paths of RFC 5321 4.1.2, strictly: `<local@domain>`, a quoted local part byte-exact, an old source route
 * read and dropped, address literals, and UTF-8 (RFC 6531) told apart. Comments, white space and anything
 * after the closing bracket's place make it no path. There is no second parser: routing takes the domain
 * found here (GHSA-mm7p-fcc7-pg87 is what happens otherwise). Returns null for what is no path; never throws.
 *
 * Text is latin1 of the bytes until here; an address that holds UTF-8 is decoded, once, strictly.
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

export interface Path {
  /** Without brackets and source route; "" is the null reverse-path. UTF-8 decoded. */
  readonly address: string;
  /** Lower case, A-labels for a domain, "[1.2.3.4]" for a literal; "" for null path and bare postmaster. */
  readonly domain: string;
  readonly isUtf8: boolean;
  /** Offset in the text right behind the closing bracket. */
  readonly end: number;
}

/** RFC 5321 4.5.3.1: local part 64, domain 255, path 256 octets with brackets. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const MAX_PATH = 254;

const ATEXT = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff]+$/;
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"$/;
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/;

/** Reads the path that starts at `start`, which must be "<". */
export function parsePath(text: string, start: number): Path | null {
  if (text.charCodeAt(start) !== 60) return null;
  const close = closingBracket(text, start + 1);
  if (close === -1) return null;
  const inner = stripSourceRoute(text.slice(start + 1, close));
  if (inner === null || inner.length > MAX_PATH) return null;
  if (inner === "") return { address: "", domain: "", isUtf8: false, end: close + 1 };
  if (/^postmaster$/i.test(inner)) return { address: inner, domain: "", isUtf8: false, end: close + 1 };
  return parseMailbox(inner, close + 1);
}

function parseMailbox(inner: string, end: number): Path | null {
  const at = inner.lastIndexOf("@");
  const local = inner.slice(0, Math.max(at, 0));
  const rawDomain = inner.slice(at + 1);
  if (at < 1 || local.length > MAX_LOCAL || rawDomain.length > MAX_DOMAIN || !isLocalPart(local)) return null;
  const isUtf8 = /[\x80-\xff]/.test(inner);
  // Copied: a slice would keep the whole command line in memory for as long as the recipient is queued.
  const address = isUtf8 ? decodeUtf8(inner) : Buffer.from(inner, "latin1").toString("latin1");
  if (address === null) return null;
  const domain = canonicalDomain(isUtf8 ? address.slice(address.lastIndexOf("@") + 1) : rawDomain);
  return domain === null ? null : { address, domain, isUtf8, end };
}

/** The ">" that is not inside a quoted string. */
function closingBracket(text: string, from: number): number {
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted && c === 92) i++;
    else if (c === 34) quoted = !quoted;
    else if (c === 62 && !quoted) return i;
  }
  return -1;
}

/** `@a,@b:user@c` is an obsolete source route: servers should ignore it (RFC 5321 4.1.1.3, appendix C). */
function stripSourceRoute(inner: string): string | null {
  if (!inner.startsWith("@")) return inner;
  const colon = inner.indexOf(":");
  if (colon === -1) return null;
  const hops = inner.slice(0, colon).split(",");
  const valid = hops.every((hop) => hop.startsWith("@") && canonicalDomain(hop.slice(1)) !== null);
  const rest = inner.slice(colon + 1);
  return valid && rest !== "" && !rest.startsWith("@") ? rest : null;
}

function isLocalPart(local: string): boolean {
  if (local.startsWith('"')) return local.length > 2 && QUOTED.test(local);
  return local.split(".").every((atom) => ATEXT.test(atom));
}

/** A domain as routing uses it, or null: letters, digits, hyphens (underscores are seen in the wild). */
export function canonicalDomain(domain: string): string | null {
  if (domain.startsWith("[")) return isAddressLiteral(domain) ? domain.toLowerCase() : null;
  // UTS-46 through the URL parser's rules, so that look-alikes and soft hyphens end where DNS would look.
  const ascii = /^[\x21-\x7e]*$/.test(domain) ? domain.toLowerCase() : domainToASCII(domain);
  if (ascii === "" || ascii.length > MAX_DOMAIN) return null;
  const labels = ascii.split(".");
  // A name that ends in a number is an address in disguise (a@2130706433), never a domain (RFC 3696 2).
  if (/^\d+$/.test(labels.at(-1) ?? "")) return null;
  return labels.every((label) => label.length <= 63 && LABEL.test(label)) ? ascii : null;
}

/** RFC 5321 4.1.3: [192.0.2.1] or [IPv6:2001:db8::1]. */
export function isAddressLiteral(text: string): boolean {
  if (!text.startsWith("[") || !text.endsWith("]")) return false;
  const inner = text.slice(1, -1);
  return /^ipv6:/i.test(inner) ? isIP(inner.slice(5)) === 6 && !inner.includes("%") : isIP(inner) === 4;
}

/** The text of latin1 bytes that are UTF-8, or null when they are not. */
export function decodeUtf8(latin1: string): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(latin1, "latin1"));
    // C1 controls and line separators have no place in an address.
    return /[\u0080-\u009f\u2028\u2029]/.test(text) ? null : text;
  } catch {
    return null;
  }
}
