/**
 * The names that are asked (pure): an address backwards, a domain as it is, a hash with its kind, then key, list and
 * zone. Null for what must not be asked: addresses that are not public, and what is no domain name, for DBL and ZRD
 * call an address in a question an error.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";

/** A key is one label; anything else could reach into the name. */
const KEY = /^[a-z0-9]{8,63}$/;
/** RFC 1035 2.3.4, without the final dot. */
const LONGEST_NAME = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** Null when the whole would be too long to ask. */
export function queryName(parts: { label: string; key: string; list: string; zone: string }): string | null {
  const name = `${parts.label}.${parts.key}.${parts.list}.${parts.zone}`;
  return name.length > LONGEST_NAME ? null : name;
}

/** 203.0.113.79 is 79.113.0.203; an IPv6 address is its 32 digits backwards. Null unless it is a public address. */
export function addressLabel(ip: string): string | null {
  const plain = plainAddress(ip);
  if (plain === null || isSpecial(plain)) return null;
  return reversed(plain);
}

export function reversed(plain: string): string {
  if (isIPv4(plain)) return plain.split(".").reverse().join(".");
  return nibbles(plain).reverse().join(".");
}

/** IPv4 in IPv6 form becomes IPv4; null for what is no address. */
export function plainAddress(ip: string): string | null {
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip) || ip.includes("%")) return null;
  const digits = nibbles(ip).join("");
  if (!digits.startsWith("00000000000000000000ffff")) return ip;
  return [24, 26, 28, 30].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)).join(".");
}

function nibbles(ip: string): string[] {
  const hex = ip.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [front = "", back] = hex.split("::");
  const head = front === "" ? [] : front.split(":");
  const tail = back === undefined || back === "" ? [] : back.split(":");
  const zeros = back === undefined ? [] : new Array<string>(8 - head.length - tail.length).fill("0");
  return [...[...head, ...zeros, ...tail].map((group) => group.toLowerCase().padStart(4, "0")).join("")];
}

/**
 * Private, loopback, link-local, shared, multicast: nobody lists them (RFC 6890). Those for documentation are asked:
 * no mail comes from them but in a test.
 */
const SPECIAL = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  SPECIAL.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 96],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  SPECIAL.addSubnet(net, bits, "ipv6");
}

function isSpecial(plain: string): boolean {
  return SPECIAL.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
}

/** A domain in lower case and A-labels, without the final dot; null for addresses and what cannot be public. */
export function domainLabel(text: string): string | null {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare.length === 0 || bare.length > LONGEST_NAME) return null;
  const ascii = /^[\x21-\x7e]*$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  const labels = ascii.split(".");
  const top = labels.at(-1) ?? "";
  // A last label of digits is an address, in whatever notation (2130706433, 0x7f.1).
  if (labels.length < 2 || /^(?:\d+|0x[0-9a-f]*)$/.test(top)) return null;
  return labels.every((label) => LABEL.test(label)) ? ascii : null;
}
