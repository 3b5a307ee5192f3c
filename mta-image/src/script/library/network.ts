/** Names and addresses, without asking anyone: IDNA, public suffixes, IP arithmetic, URLs. */
import { BlockList, isIP } from "node:net";
import { domainToASCII, domainToUnicode } from "node:url";

import { type Value, HslArray } from "../value.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { publicSuffixes } from "../late-packages.ts";
import { percentDecode } from "./encoding.ts";
import { flag, fromBytes, record, toBytes } from "./subjects.ts";

const ip = parameter.string("ip");
const domain = parameter.string("domain");

/**
 * Of a name that can be one: 253 bytes (RFC 1035 2.3.4) in ASCII are less than that in UTF-8. To encode a longer one takes
 * up to the square of its length.
 */
const LONGEST_NAME = 1024;

function toAscii(name: string): string | null {
  if (name === "" || name.length > LONGEST_NAME || /[\s/?#@:%]/.test(name)) return null;
  const ascii = domainToASCII(fromBytes(name));
  return ascii === "" ? null : ascii;
}

/** Four or sixteen bytes. */
function addressBytes(address: string): Buffer | null {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  if (isIP(address) !== 6) return null;
  const plain = address
    .replace(/%.*$/, "")
    .replace(
      /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_, a, b, c, d) =>
        `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`,
    );
  const [head = "", tail] = plain.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [left, right] = [groups(head), groups(tail ?? "")];
  const middle = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill("0");
  return Buffer.from([...left, ...middle, ...right].map((group) => group.padStart(4, "0")).join(""), "hex");
}

function addressText(bytes: string): string | null {
  const buffer = Buffer.from(bytes, "latin1");
  if (buffer.length === 4) return [...buffer].join(".");
  if (buffer.length !== 16) return null;
  const text = new URL(`http://[${buffer.toString("hex").replace(/(.{4})(?!$)/g, "$1:")}]`).hostname;
  return text.slice(1, -1);
}

export function reverseName(address: string, zone: string | undefined): string | null {
  const bytes = addressBytes(address);
  if (bytes === null) return null;
  if (bytes.length === 4) return `${[...bytes].reverse().join(".")}.${zone ?? "in-addr.arpa"}`;
  return `${[...bytes.toString("hex")].reverse().join(".")}.${zone ?? "ip6.arpa"}`;
}

/** A network is an address, address/length, address/mask or first-last. */
function includes(address: string, network: string): boolean | null {
  const family = isIP(address);
  if (family === 0) return null;
  const [first = "", last] = network.split("-");
  const [base = "", length] = first.split("/");
  const of = isIP(base);
  if (of === 0 || (last !== undefined && isIP(last) !== of)) return null;
  const bits = length === undefined ? (of === 4 ? 32 : 128) : prefixLength(length, of);
  if (bits === null) return null;
  if (of !== family) return false;
  const list = new BlockList();
  const name = of === 4 ? "ipv4" : "ipv6";
  try {
    if (last === undefined) list.addSubnet(base, bits, name);
    else list.addRange(base, last, name);
  } catch {
    return null;
  }
  return list.check(address, name);
}

function prefixLength(text: string, family: number): number | null {
  if (isIP(text) === 4 && family === 4) {
    const bits = [...(addressBytes(text) as Buffer)]
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("");
    return /^1*0*$/.test(bits) ? bits.replace(/0/g, "").length : null;
  }
  return /^\d{1,3}$/.test(text) && Number(text) <= (family === 4 ? 32 : 128) ? Number(text) : null;
}

/** ".example.com" wants a name below it, "example.com" takes itself as well. */
function domainIncludes(name: string, within: string): boolean {
  const [a, b] = [name.toLowerCase(), within.toLowerCase()];
  if (b.startsWith(".")) return a.endsWith(b) && a.length > b.length;
  return a === b || a.endsWith(`.${b}`);
}

/** Longer ones are none that anybody would take, and their queries would be read for seconds. */
const LONGEST_URL = 1024 * 1024;

/** Between the slashes of a URL and the next mark, behind what is said of the user. */
function hostLength(text: string): number {
  const authority = /^[^/\\?#]*[/\\]*([^/\\?#]*)/.exec(text)?.[1] ?? "";
  return authority.length - authority.lastIndexOf("@") - 1;
}

function parseUrl(text: string): HslArray | null {
  if (text.length > LONGEST_URL || hostLength(text) > LONGEST_NAME) return null;
  const url = URL.canParse(fromBytes(text)) ? new URL(fromBytes(text)) : null;
  if (url === null) return null;
  const parts: Record<string, Value> = { scheme: url.protocol.slice(0, -1) };
  if (url.hostname !== "") parts["host"] = url.hostname;
  if (url.port !== "") parts["port"] = Number(url.port);
  if (url.username !== "") parts["user"] = percentDecode(url.username);
  if (url.password !== "") parts["password"] = percentDecode(url.password);
  parts["path"] = url.pathname;
  if (url.search !== "") parts["query"] = url.search.slice(1);
  if (url.hash !== "") parts["fragment"] = url.hash.slice(1);
  return record(parts);
}

export const networkFunctions: readonly HostFunction[] = [
  declare({
    name: "domain_includes",
    parameters: [parameter.string("subdomain"), domain, optional(parameter.array("options"))],
    returns: "boolean",
    docs: "Whether a domain is another one or below it; a domain with a leading dot wants below.",
    run: (_, name, within) => domainIncludes(name, within),
  }),
  declare({
    name: "domain_publicsuffix",
    parameters: [domain],
    returns: "string or none",
    docs: "The public suffix that the domain is under, such as co.uk; none for what is no domain.",
    run: (_, name) =>
      name.length > LONGEST_NAME
        ? null
        : publicSuffixes().getPublicSuffix(name, { allowPrivateDomains: true }),
  }),
  declare({
    name: "idna_encode",
    parameters: [domain],
    returns: "string or none",
    docs: "The domain in ASCII, none when it cannot be.",
    run: (_, name) => toAscii(name),
  }),
  declare({
    name: "idna_decode",
    parameters: [domain],
    returns: "string or none",
    docs: "The domain in UTF-8, none when it cannot be.",
    run: (_, name) => {
      const text = toAscii(name) === null ? "" : domainToUnicode(fromBytes(name));
      return text === "" ? null : toBytes(text);
    },
  }),
  declare({
    name: "inet_includes",
    parameters: [ip, parameter.string("network")],
    returns: "boolean or none",
    docs: "Whether an address is in a network: address, address/length, address/mask, or first-last. None when either is no such thing.",
    run: (_, address, network) => includes(address, network),
  }),
  declare({
    name: "inet_ntop",
    parameters: [ip],
    returns: "string or none",
    docs: "The address of 4 or 16 bytes.",
    run: (_, bytes) => addressText(bytes),
  }),
  declare({
    name: "inet_pton",
    parameters: [ip],
    returns: "string or none",
    docs: "The bytes of an address.",
    run: (_, address) => addressBytes(address)?.toString("latin1") ?? null,
  }),
  declare({
    name: "inet_reverse",
    parameters: [ip, optional(parameter.string("zone"))],
    returns: "string or none",
    docs: "The name to look an address up under, in in-addr.arpa, ip6.arpa or the zone.",
    run: (_, address, zone) => reverseName(address, zone),
  }),
  declare({
    name: "url_parse",
    parameters: [parameter.string("url"), optional(parameter.array("options"))],
    returns: "array or none",
    docs: "scheme, host, port, user, password, path, query and fragment, those that are there. Option query (boolean): the query as an array.",
    run: (_, url, options) => {
      const parts = parseUrl(url);
      const query = parts?.get("query");
      if (flag(options, "query") && typeof query === "string")
        parts?.set(
          "query",
          HslArray.from(
            [...new URLSearchParams(query)].map(([key, value]) => [toBytes(key), toBytes(value)] as const),
          ),
        );
      return parts;
    },
  }),
];
