/** DNS and what is asked of it: records, block lists, SPF. The engine's own resolver answers, or servers that the script names; nothing here blocks. */
import { isIP } from "node:net";

import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { type DnsAnswer, type DnsFound, type DnsRecord, type DnsType, type SpfPort, port } from "../ports.ts";
import type { HslArray, Value } from "../value.ts";
import { WISH_DOCS, dnsWish } from "./dns-wish.ts";
import { reverseName } from "./network.ts";
import { flag, list, option, record } from "./subjects.ts";

const { string, array, number } = parameter;
const options = optional(array("options"));

const types: ReadonlySet<string> = new Set<DnsType>([
  "a",
  "aaaa",
  "mx",
  "txt",
  "ptr",
  "cname",
  "ns",
  "soa",
  "srv",
  "tlsa",
  "caa",
]);

export const dnsFunctions: readonly HostFunction[] = [
  declare({
    name: "dns_query",
    parameters: [string("host"), options],
    returns: "array",
    docs: `Records as \`result\`, or \`error\`: NXDOMAIN, NO_DATA, TRY_AGAIN, SERVFAIL; and \`dnssec\`: whether the answer was validated, as a server says that the script named or that \`resolver.validating\` trusts (without either false). Option \`type\`: a (default), aaaa, mx, txt, ptr, cname, ns, soa, srv, tlsa, caa. Records are texts (mx: hosts by preference); with \`extended_result\` arrays of type, ttl, data and the fields that the type has. ${WISH_DOCS}`,
    way: "promise",
    run: async (context, host, how) => {
      const type = toText(option(how, "type") ?? "a").toLowerCase();
      if (!types.has(type)) throw new Refusal(`there is no DNS type ${type}`);
      const answer = await askDns(context, host, type as DnsType, how);
      return answerValue(answer, type, flag(how, "extended_result"));
    },
  }),
  declare({
    name: "dnsbl",
    parameters: [string("ip"), string("hostname"), optional(array("resolvers")), optional(number("timeout"))],
    returns: "array",
    docs: "The addresses that a block list gives for an IP; empty when it is not listed. Resolvers and seconds of timeout as the options `servers` and `timeout` of dns_query.",
    way: "promise",
    run: async (context, ip, zone, resolvers, seconds) => {
      const name = reverseName(ip, zone);
      if (name === null) throw new Refusal(`${ip} is no IP address`);
      const wish = dnsWish(resolvers ?? null, seconds ?? null);
      const answer = await port(context, "dns").query(name, "a", wish);
      return list("error" in answer ? [] : answer.records.map(recordText));
    },
  }),
  declare({
    name: "spf_query",
    parameters: [string("ip"), string("helo"), string("sender"), options],
    returns: "array",
    docs: `Checks SPF (RFC 7208) for a client, its name and the sender's address or domain: result (pass, fail, softfail, neutral, none, temperror, permerror) and reason. ${WISH_DOCS}`,
    way: "promise",
    run: async (context, ip, helo, sender, how) =>
      record({ ...(await askSpf(context, { ip, helo, sender }, how)) }),
  }),
];

export function askDns(
  context: RunContext,
  host: string,
  type: DnsType,
  how: HslArray | undefined,
): Promise<DnsAnswer & DnsFound> {
  const wish = dnsWish(option(how, "servers"), option(how, "timeout"));
  return port(context, "dns").query(host, type, wish);
}

export async function askSpf(
  context: RunContext,
  client: Omit<Parameters<SpfPort["check"]>[0], "wish">,
  how: HslArray | undefined,
): ReturnType<SpfPort["check"]> {
  if (isIP(client.ip) === 0) throw new Refusal(`${client.ip} is no IP address`);
  const wish = dnsWish(option(how, "servers"), option(how, "timeout"));
  return port(context, "spf").check({ ...client, wish });
}

export function answerValue(answer: DnsAnswer & DnsFound, type: string, isExtended: boolean): HslArray {
  const { isAuthentic: dnssec = false, ttlSeconds: ttl = null } = answer;
  if ("error" in answer) return record({ error: answer.error, dnssec });
  const convert = (one: DnsRecord): Value => (isExtended ? extended(one, type, ttl) : recordText(one));
  return record({ result: list(answer.records.map(convert)), dnssec });
}

function extended(one: DnsRecord, type: string, ttl: number | null): Value {
  const fields = typeof one === "string" ? {} : one;
  return record({ type: type.toUpperCase(), ttl, data: recordText(one), ...fields });
}

/** As text alone: the host of those that have one, else the fields in the order of a zone file. */
function recordText(one: DnsRecord): string {
  return typeof one === "string" ? one : String(one["exchange"] ?? Object.values(one).join(" "));
}
