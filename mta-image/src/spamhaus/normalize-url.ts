/**
 * A URL as HBL hashes it (pure): host in lower case, the port if it is written, and as much of path, query and
 * fragment as the pattern of the host's rule matches from its start. Scheme and user are not hashed. The rules
 * are data: those built in are the four classes that Spamhaus ships with its SpamAssassin rules, and a file of the
 * form of URL_normalization.yaml replaces them.
 */
import { domainLabel, plainAddress } from "./names.ts";

export interface UrlRule {
  readonly name: string;
  readonly pattern: RegExp;
  /** The whole is hashed in lower case. */
  readonly lowerHash: boolean;
}

export interface UrlRules {
  /** By host or a domain above it. */
  readonly byDomain: ReadonlyMap<string, UrlRule>;
  readonly fallback: UrlRule;
}

export interface ParsedUrl {
  /** Lower case, A-labels; or an address. */
  readonly host: string;
  readonly isAddress: boolean;
  /** ":8080", or "". */
  readonly port: string;
  /** Path, query and fragment as written. */
  readonly rest: string;
}

const plainPath: UrlRule = rule("default", /^[/?](?:[a-zA-Z0-9()_.=~!/-]|%[a-fA-F0-9]{2}){2,512}/);
const oneStep: UrlRule = rule("noslash", /^[/?](?:[a-zA-Z0-9()_.=~-]|%[a-fA-F0-9]{2}){2,512}/);
const withQuery: UrlRule = rule("withqm", /^[/?](?:[a-zA-Z0-9()_.=~!/?-]|%[a-fA-F0-9]{2}){2,512}/);

export const builtInRules: UrlRules = {
  byDomain: new Map([
    ["is.gd", oneStep],
    ["storage.googleapis.com", oneStep],
    ["short.hbltest.com", oneStep],
    ["api.whatsapp.com", withQuery],
    ["withqm.hbltest.com", withQuery],
  ]),
  fallback: plainPath,
};

function rule(name: string, pattern: RegExp): UrlRule {
  return { name, pattern, lowerHash: false };
}

/** Null when there is no host that could be asked about. The scheme may be absent. */
export function parseUrl(text: string): ParsedUrl | null {
  const match = /^(?:https?:)?(?:[/\\]{2})?([^/\\?#]*)(.*)$/is.exec(text);
  if (match === null) return null;
  const [, authority = "", rest = ""] = match;
  const place = authority.slice(authority.lastIndexOf("@") + 1);
  const port = /:\d{1,5}$/.exec(place)?.[0] ?? "";
  const name = decodeHost(place.slice(0, place.length - port.length).replace(/:$/, ""));
  const address = plainAddress(name.replace(/^\[|\]$/g, ""));
  if (address !== null) return { host: address, isAddress: true, port, rest };
  const host = domainLabel(name);
  return host === null ? null : { host, isAddress: false, port, rest };
}

/** Browsers decode %XX in a host. */
function decodeHost(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is hashed. */
export function urlForm(url: ParsedUrl, rules: UrlRules): string {
  const { pattern, lowerHash } = ruleFor(url.host, rules);
  const form = `${url.host}${url.port}${pattern.exec(url.rest)?.[0] ?? ""}`;
  return lowerHash ? form.toLowerCase() : form;
}

function ruleFor(host: string, { byDomain, fallback }: UrlRules): UrlRule {
  for (let name = host; name !== ""; name = parentOf(name)) {
    const found = byDomain.get(name);
    if (found !== undefined) return found;
  }
  return fallback;
}

export function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot === -1 ? "" : name.slice(dot + 1);
}
