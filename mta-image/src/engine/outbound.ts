/**
 * Puts together how mail leaves one engine: DNS, the courier for SMTP and LMTP with what secure delivery needs, and the
 * courier for object stores in front of it. Nothing here fails; settings are asked for at each attempt.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import type { EngineConfig } from "#contract/config.ts";

import type { Settings } from "../config/settings.ts";
import { DnsLocator } from "../delivery/dns-locator.ts";
import type { HostFinder } from "../delivery/hosts.ts";
import { ObjectCourier } from "../delivery/object-store/object-courier.ts";
import { SmtpCourier } from "../delivery/smtp-courier.ts";
import { StsPolicies } from "../delivery/sts-policies.ts";
import { TlsReports } from "../delivery/tls-reports.ts";
import { TlsRules } from "../delivery/tls-rules.ts";
import { TlsSessions } from "../delivery/tls-sessions.ts";
import type { TlsTools } from "../delivery/tls-tools.ts";
import type { TransportSettings } from "../delivery/transport.ts";
import { LiveResolver } from "../dns/live-resolver.ts";
import { LiveValidation } from "../dns/live-validation.ts";
import { isLocalTarget } from "../dns/records.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { Intake } from "../intake/intake.ts";
import { ownPlaces } from "../net/own-places.ts";
import type { Courier } from "../queue/courier.ts";
import type { Locator } from "../queue/locator.ts";
import type { Content } from "../spool/spool.ts";
import type { Tracer } from "../trace/tracer.ts";
import { TlsReporting } from "./tls-reporting.ts";

export interface Outbound {
  readonly resolver: RecordResolver;
  readonly smtp: SmtpCourier;
  /** Takes whatever a transport is, but what plugins deliver. */
  readonly courier: Courier;
  readonly locator: Locator;
  readonly tlsRules: TlsRules;
  readonly tlsReports: TlsReports;
  readonly tlsReporting: TlsReporting;
  /** After the couriers. */
  close(): Promise<void>;
}

export function makeOutbound(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly hostname: string;
  /** Of the machine or pod. */
  readonly systemHostname: string;
  readonly settings: () => Settings;
  readonly read: (id: string) => Promise<Content>;
  readonly traces: Tracer;
  readonly log: Log;
  /** Where reports of TLS are queued. */
  readonly intake: () => Intake;
  readonly startup: EngineConfig["startup"];
}): Outbound {
  const { clock, random, hostname, settings, read, traces, startup } = options;
  const resolver = new LiveResolver({ clock, settings: () => settings().resolver });
  const taking = startup.servers.filter(({ type }) => type === "smtp").flatMap(({ listeners }) => listeners);
  const ownAt: HostFinder["ownAt"] = (port) => ownPlaces(taking, port);
  const finder: HostFinder = { resolver, random, hostname, isForbidden: isLocalTarget, ownAt };
  const { isForbidden } = finder;
  const transport = (id: string): TransportSettings | undefined => settings().transports.get(id);
  const policies = new StsPolicies({ clock, resolver, isForbidden });
  const tls = makeTls({ ...options, policies });
  const tlsReporting = new TlsReporting({
    ...options,
    folder: startup.spool.path,
    policies,
    resolver,
    isForbidden,
    reports: tls.reports,
    sender: () => settings().reportSender,
  });
  const limits = (): Settings["connections"] => settings().connections;
  const smtp = new SmtpCourier({ clock, tls, read, finder, transport, limits, traces });
  return {
    resolver,
    smtp,
    courier: new ObjectCourier({ clock, read, next: smtp, store: (id) => settings().objectStores.get(id) }),
    locator: new DnsLocator({ finder, transport }),
    tlsRules: tls.rules,
    tlsReports: tls.reports,
    tlsReporting,
    close: async () => {
      await tlsReporting.close();
      await policies.close();
    },
  };
}

function makeTls(options: {
  readonly clock: Clock;
  readonly systemHostname: string;
  readonly settings: () => Settings;
  readonly policies: StsPolicies;
}): TlsTools {
  const { clock, settings, policies } = options;
  const validation = new LiveValidation({ clock, servers: () => settings().resolver.validating });
  return {
    clock,
    rules: new TlsRules({ validated: () => validation.current, policies }),
    sessions: new TlsSessions(clock),
    reports: new TlsReports(clock, () => {
      const organization = settings().hostname;
      const contact = settings().reportSender?.from ?? `postmaster@${organization}`;
      return { organization, contact, engine: options.systemHostname.replace(/[^A-Za-z0-9.-]/g, "-") };
    }),
  };
}
