/**
 * What a configuration says about the moments of a session, made ready to be looked at for every client (pure).
 * Throws a Failure for a code in no list.
 */
import { Failure } from "#base/error.ts";
import type { SpamhausConfig, SpamhausList, SpamhausStage } from "#contract/spamhaus-config.ts";

import { isInNetworks, makeNetworks } from "../net/networks.ts";
import { type UrlRules, parentOf } from "./normalize-url.ts";
import type { Policy } from "./verdict.ts";
import { zones } from "./zones.ts";

export interface StageSettings {
  readonly lists: ReadonlySet<SpamhausList>;
  readonly stages: ReadonlySet<SpamhausStage>;
  readonly policy: Policy;
  readonly isExemptClient: (ip: string) => boolean;
  readonly exemptDomains: ReadonlySet<string>;
  readonly limits: SpamhausConfig["limits"];
  readonly urlRules: UrlRules;
}

export function stageSettings(config: SpamhausConfig, urlRules: UrlRules): StageSettings {
  const codes = new Set(Object.values(zones).flatMap(({ listings }) => listings.map(({ code }) => code)));
  const wrong = Object.keys(config.actions).find((name) => name.startsWith("127.") && !codes.has(name));
  if (wrong !== undefined)
    throw new Failure("spamhaus-code", `spamhaus.actions: no list has the code ${wrong}`);
  const exemptNetworks = makeNetworks(config.exceptions.networks);
  return {
    lists: new Set(config.lists),
    stages: new Set(config.stages),
    policy: { actions: config.actions, failOpen: config.failopen },
    isExemptClient: (ip) => config.exceptions.networks.length > 0 && isInNetworks(exemptNetworks, ip),
    exemptDomains: new Set(config.exceptions.domains.map((domain) => domain.toLowerCase())),
    limits: config.limits,
    urlRules,
  };
}

/** With all below it. */
export function isExempt({ exemptDomains }: StageSettings, domain: string): boolean {
  if (exemptDomains.size === 0) return false;
  for (let name = domain.toLowerCase(); name !== ""; name = parentOf(name)) {
    if (exemptDomains.has(name)) return true;
  }
  return false;
}
