/** All ports of scripts that need no queue, from what a program has: the engine and hsh both start here. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";

import type { TlsRules } from "../delivery/tls-rules.ts";
import { plainTls } from "../delivery/tls-tools.ts";
import { NamedServers } from "../dns/named-servers.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { FilePort, KeyPort, LdapProfile, Ports } from "../script/ports.ts";
import { makeDnsPort } from "./dns.ts";
import { ScriptHttp } from "./http.ts";
import { makeLdapPort } from "./ldap.ts";
import { makeSmtpPort } from "./smtp.ts";
import { type SmtpRoom, bareRoom } from "./smtp-way.ts";
import { makeSpfPort } from "./spf.ts";

export interface PortParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: RecordResolver;
  /** The resolver's servers; empty for the system's. */
  readonly servers: () => readonly string[];
  readonly hostname: () => string;
  /** Source addresses by the names that the configuration gives them. */
  readonly addresses?: () => ReadonlyMap<string, string>;
  readonly log?: Log;
  readonly files?: FilePort;
  readonly keys?: KeyPort;
  /** Of ldap_search() and ldap_bind(), by name. */
  readonly directories?: () => ReadonlyMap<string, LdapProfile>;
  /** What is known of ways out; absent: no transports, no names of addresses, no policies of domains. */
  readonly outbound?: Omit<SmtpRoom, "keys"> & { readonly rules: TlsRules };
}

/** Of questions to servers that are not the resolver's own business: each holds a socket. */
const MOST_PENDING = 500;

export function makeScriptPorts(parts: PortParts): Partial<Ports> {
  const { files, keys, clock } = parts;
  const outbound = parts.outbound ?? { ...bareRoom, rules: plainTls(clock).rules };
  const named = new NamedServers({ clock, mostPending: MOST_PENDING });
  return {
    http: new ScriptHttp(parts),
    dns: makeDnsPort({ ...parts, named, validated: () => outbound.rules.validated }),
    spf: makeSpfPort({ ...parts, named }),
    smtp: makeSmtpPort({ ...parts, ...outbound, keys }),
    ldap: makeLdapPort(parts.directories ?? (() => new Map())),
    ...(files === undefined ? {} : { files }),
    ...(keys === undefined ? {} : { keys }),
  };
}
