/** Puts together what secure delivery needs in one engine: DANE, MTA-STS, sessions and the reports of RFC 8460. */
import type { Clock } from "#base/clock.ts";

import type { Settings } from "./config/settings.ts";
import type { HostFinder } from "./delivery/hosts.ts";
import { StsPolicies } from "./delivery/sts-policies.ts";
import { TlsReports } from "./delivery/tls-reports.ts";
import { TlsRules } from "./delivery/tls-rules.ts";
import { TlsSessions } from "./delivery/tls-sessions.ts";
import type { TlsTools } from "./delivery/tls-tools.ts";
import { LiveValidation } from "./dns/live-validation.ts";
import type { RecordResolver } from "./dns/resolver.ts";

export function makeOutboundTls(options: {
  readonly clock: Clock;
  readonly resolver: RecordResolver;
  readonly finder: HostFinder;
  readonly settings: () => Settings;
}): TlsTools & { close(): Promise<void> } {
  const { clock, resolver, settings } = options;
  const { isForbidden } = options.finder;
  const validation = new LiveValidation({ clock, servers: () => settings().resolver.validating });
  const policies = new StsPolicies({ clock, resolver, isForbidden });
  return {
    clock,
    rules: new TlsRules({ validated: () => validation.current, policies }),
    sessions: new TlsSessions(clock),
    reports: new TlsReports(clock, () => {
      const { hostname } = settings();
      return { organization: hostname, contact: `postmaster@${hostname}` };
    }),
    close: () => policies.close(),
  };
}
