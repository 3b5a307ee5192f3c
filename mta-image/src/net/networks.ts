/** Networks in CIDR notation and the addresses within them (pure; RFC 4632, RFC 4291). */
import { BlockList, SocketAddress, isIPv4, isIPv6 } from "node:net";

/** Throws RangeError for what is no CIDR network; an address alone is a network of one. */
export function makeNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const { address, bits, family } = parseNetwork(network);
    list.addSubnet(address, bits, family);
  }
  return list;
}

function parseNetwork(text: string): { address: string; bits: number; family: "ipv4" | "ipv6" } {
  const [address = "", length] = text.split("/");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const longest = family === "ipv4" ? 32 : 128;
  const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if ((family === "ipv6" && !isIPv6(address)) || bits < 0 || bits > longest || text.split("/").length > 2) {
    throw new RangeError(`"${text}" is no network such as 10.0.0.0/8 or fc00::/7`);
  }
  return { address, bits, family };
}

/** IPv4 in IPv6 form (::ffff:192.0.2.1), as dual-stack sockets report it, becomes plain IPv4. */
export function normalizeIp(ip: string): string {
  return ip.startsWith("::ffff:") && isIPv4(ip.slice(7)) ? ip.slice(7) : ip;
}

/** As the system writes it, without a zone: what others write may be written in many ways, IPv4 in IPv6 form too. */
export function canonicalIp(ip: string): string {
  return isIPv6(ip) ? normalizeIp(new SocketAddress({ address: ip, family: "ipv6" }).address) : ip;
}

export function isInNetworks(networks: BlockList, ip: string): boolean {
  return ip !== "" && networks.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
}
