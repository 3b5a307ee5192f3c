/** The header of the PROXY protocol, version 2, for connections that we make through a proxy (pure). */
import { isIPv4 } from "node:net";

import { assert } from "#base/assert.ts";

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
/** Version 2, command PROXY. */
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

/** Both addresses are of one family. */
export function makeProxyHeader(from: Endpoint, to: Endpoint): Buffer {
  assert(isIPv4(from.ip) === isIPv4(to.ip), "a PROXY header holds addresses of one family");
  const addresses = Buffer.concat([bytesOf(from.ip), bytesOf(to.ip)]);
  const rest = Buffer.alloc(8);
  rest[0] = PROXY;
  rest[1] = isIPv4(from.ip) ? TCP4 : TCP6;
  rest.writeUInt16BE(addresses.length + 4, 2);
  rest.writeUInt16BE(from.port, 4);
  rest.writeUInt16BE(to.port, 6);
  return Buffer.concat([SIGNATURE, rest.subarray(0, 4), addresses, rest.subarray(4)]);
}

function bytesOf(ip: string): Buffer {
  return isIPv4(ip) ? Buffer.from(ip.split(".").map(Number)) : ipv6Bytes(ip);
}

/** The URL parser writes an address in one form, with at most one "::". */
function ipv6Bytes(ip: string): Buffer {
  const [head = "", tail = ""] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split("::");
  const words = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16));
  const [left, right] = [words(head), words(tail)];
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]));
}
