/**
 * The header of the PROXY protocol, version 1 (a line) and 2 (binary), as a load balancer puts it in front of a
 * connection (pure). Null while bytes are missing, "invalid" for what can become no header. Strict: the version 1
 * line is at most 107 bytes, UNKNOWN and families without addresses are invalid, TLVs must fill their length.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface ProxySource {
  readonly ip: string;
  readonly port: number;
  /** What the proxy says besides, as it came (TLVs of version 2); null for nothing. */
  readonly tlvs: Buffer | null;
}

export interface ProxyTarget {
  readonly ip: string;
  readonly port: number;
}

export interface ProxyHeader {
  /** Offset behind the header. */
  readonly end: number;
  /** Null for a connection that the proxy makes for itself (LOCAL, a health check). */
  readonly source: ProxySource | null;
  /** What the client has connected to, or wants to be connected to where the proxy stands on the way out; null with `source`. */
  readonly target: ProxyTarget | null;
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const V1_START = Buffer.from("PROXY ");
const V1_BYTES = 107;
const V1_LINE = /^PROXY (TCP[46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/;
const V2_FIXED_BYTES = 16;
/** Addresses and TLVs; certificates do not come this way, so more is no header of a mail proxy. */
const V2_MOST_BYTES = 4096;

export function readProxyHeader(bytes: Buffer): ProxyHeader | "invalid" | null {
  if (startsAlike(bytes, SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? early(bytes) : readBinary(bytes);
  return startsAlike(bytes, V1_START) ? readLine(bytes) : "invalid";
}

/** The bytes are the beginning of `expected` or begin with it. */
function startsAlike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.subarray(0, length).equals(expected.subarray(0, length));
}

function early(bytes: Buffer): "invalid" | null {
  const version = bytes[12];
  return version === undefined || version === 0x20 || version === 0x21 ? null : "invalid";
}

function readLine(bytes: Buffer): ProxyHeader | "invalid" | null {
  const end = bytes.subarray(0, V1_BYTES).indexOf("\r\n");
  if (end === -1) return bytes.length < V1_BYTES ? null : "invalid";
  const [, family, ip = "", target = "", port = "", targetPort = ""] =
    V1_LINE.exec(bytes.toString("latin1", 0, end)) ?? [];
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : () => false;
  if (!isAddress(ip) || !isAddress(target) || !isPort(port) || !isPort(targetPort)) return "invalid";
  return {
    end: end + 2,
    source: { ip, port: Number(port), tlvs: null },
    target: { ip: target, port: Number(targetPort) },
  };
}

function isPort(text: string): boolean {
  return Number(text) <= 65_535;
}

function readBinary(bytes: Buffer): ProxyHeader | "invalid" | null {
  const command = bytes[12];
  const length = bytes.readUInt16BE(14);
  const end = V2_FIXED_BYTES + length;
  if ((command !== 0x20 && command !== 0x21) || length > V2_MOST_BYTES) return "invalid";
  if (bytes.length < end) return null;
  // LOCAL: whatever stands in the addresses has no meaning.
  if (command === 0x20) return { end, source: null, target: null };
  const addressBytes = bytes[13] === 0x11 ? 4 : bytes[13] === 0x21 ? 16 : 0;
  const behind = V2_FIXED_BYTES + 2 * addressBytes + 4;
  if (addressBytes === 0 || behind > end || !hasWholeTlvs(bytes.subarray(behind, end))) return "invalid";
  const ports = V2_FIXED_BYTES + 2 * addressBytes;
  const address = (nth: number): string =>
    addressOf(bytes.subarray(V2_FIXED_BYTES + nth * addressBytes, V2_FIXED_BYTES + (nth + 1) * addressBytes));
  const tlvs = behind === end ? null : bytes.subarray(behind, end);
  return {
    end,
    source: { ip: address(0), port: bytes.readUInt16BE(ports), tlvs },
    target: { ip: address(1), port: bytes.readUInt16BE(ports + 2) },
  };
}

function hasWholeTlvs(bytes: Buffer): boolean {
  let at = 0;
  while (at + 3 <= bytes.length) at += 3 + bytes.readUInt16BE(at + 1);
  return at === bytes.length;
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
