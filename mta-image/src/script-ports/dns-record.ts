/**
 * One record of DNS, from the library's form to that of scripts: a text, or fields in the order of a zone file under the names
 * that Node gives them, bytes as hexadecimal. Pure; a record that makes no sense is what its parts say as text.
 */
import type { CaaData, SoaData, SrvData, TlsaData } from "../dns/question.ts";

import type { DnsRecord, DnsType } from "../script/ports.ts";

export function recordOf(data: unknown, type: DnsType): DnsRecord {
  switch (type) {
    case "txt":
      return Buffer.concat(data as readonly Buffer[]).toString("latin1");
    case "mx": {
      const { preference, exchange } = data as { readonly preference: number; readonly exchange: string };
      return { preference, exchange: exchange === "." ? "" : exchange };
    }
    case "soa":
      return soa(data as SoaData);
    case "srv": {
      const { priority = 0, weight = 0, port, target: name } = data as SrvData;
      return { priority, weight, port, name };
    }
    case "tlsa": {
      const { usage: certUsage, selector, matchingType: match, certificate } = data as TlsaData;
      return { certUsage, selector, match, data: certificate.toString("hex") };
    }
    case "caa": {
      const { flags = 0, tag, value } = data as CaaData;
      return { critical: flags, tag, value };
    }
    default:
      return String(data);
  }
}

function soa(data: SoaData): DnsRecord {
  const { mname: nsname, rname: hostmaster, serial = 0, refresh = 0, retry = 0, expire = 0 } = data;
  return { nsname, hostmaster, serial, refresh, retry, expire, minttl: data.minimum ?? 0 };
}
