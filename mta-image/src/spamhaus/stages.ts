/**
 * What is asked at which moment: the client at connect (ZEN) and after AUTH (AuthBL), HELO name and sender at MAIL
 * (DBL, ZRD, HBL), and at the end of the content all of these once more, mostly from the cache, with what was found
 * inside (DBL, ZRD, HBL), so that one header field tells of everything. Implements the session's checks; never
 * rejects. Without settings there is nothing to ask.
 */
import type { SpamhausConfig, SpamhausList, SpamhausStage } from "#contract/spamhaus-config.ts";

import type { Checks, ClientFacts, ContentCheck, Ruling, SenderFacts } from "../session/checks.ts";
import type { SpamhausCounters } from "./counters.ts";
import { Extractor } from "./extract.ts";
import { hashOf } from "./hash.ts";
import type { Lookup } from "./lookup.ts";
import { addressLabel, domainLabel } from "./names.ts";
import { emailForms } from "./normalize-email.ts";
import { type UrlRules, parentOf } from "./normalize-url.ts";
import { type Inquiry, type Policy, decide } from "./verdict.ts";

export interface StageSettings {
  readonly lists: ReadonlySet<SpamhausList>;
  readonly stages: ReadonlySet<SpamhausStage>;
  readonly policy: Policy;
  readonly isExemptClient: (ip: string) => boolean;
  readonly exemptDomains: ReadonlySet<string>;
  readonly limits: SpamhausConfig["limits"];
  readonly urlRules: UrlRules;
}

export class SpamhausChecks implements Checks {
  readonly #lookup: Lookup;
  readonly #settings: () => StageSettings | null;
  readonly #counters: SpamhausCounters;

  constructor(parts: { lookup: Lookup; settings: () => StageSettings | null; counters: SpamhausCounters }) {
    this.#lookup = parts.lookup;
    this.#settings = parts.settings;
    this.#counters = parts.counters;
  }

  connect({ ip }: ClientFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("connect", ip);
    return settings === null ? null : this.#rule(settings, aboutClient(ip, "zen"));
  }

  authenticated({ ip }: ClientFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("auth", ip);
    return settings === null ? null : this.#rule(settings, aboutClient(ip, "authbl"));
  }

  mailFrom(facts: SenderFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("mail", facts.ip);
    if (settings === null || isExempt(settings, domainOf(facts.sender))) return null;
    return this.#rule(settings, aboutEnvelope(facts, settings));
  }

  content(facts: SenderFacts): ContentCheck | null {
    const settings = this.#settingsFor("content", facts.ip);
    if (settings === null || isExempt(settings, domainOf(facts.sender))) return null;
    const extractor = new Extractor(settings.limits, settings.urlRules);
    return {
      write: (piece) => extractor.push(piece),
      end: async () => {
        extractor.end();
        const asked = [...aboutEnvelope(facts, settings), ...aboutContent(extractor, settings)];
        return (await this.#rule(settings, asked)) ?? { kind: "accept", fields: "" };
      },
      abort: () => {},
    };
  }

  #settingsFor(stage: SpamhausStage, ip: string): StageSettings | null {
    const settings = this.#settings();
    return settings?.stages.has(stage) !== true || settings.isExemptClient(ip) ? null : settings;
  }

  #rule(settings: StageSettings, asked: readonly Inquiry[]): Promise<Ruling> | null {
    const inquiries = unique(asked.filter(({ list }) => settings.lists.has(list)));
    if (inquiries.length === 0) return null;
    return this.#lookup.askAll(inquiries).then((findings) => {
      const { action, ruling } = decide(inquiries, findings, settings.policy);
      this.#counters.rulings[action]++;
      return ruling;
    });
  }
}

function aboutClient(ip: string, list: "zen" | "authbl"): Inquiry[] {
  const label = addressLabel(ip);
  return label === null ? [] : [{ list, label, subject: ip }];
}

/**
 * Who has logged in is one of our own people and not a mail server: their address may well be one that sends no mail
 * (PBL), and the name of their machine says nothing.
 */
function aboutEnvelope(facts: SenderFacts, settings: StageSettings): Inquiry[] {
  const { ip, isLoggedIn } = facts;
  const client = settings.stages.has(isLoggedIn ? "auth" : "connect")
    ? aboutClient(ip, isLoggedIn ? "authbl" : "zen")
    : [];
  return [...client, ...aboutSender(isLoggedIn ? { ...facts, helo: "" } : facts, settings)];
}

function aboutSender({ helo, sender }: SenderFacts, settings: StageSettings): Inquiry[] {
  const names = [helo, domainOf(sender)].flatMap((name) => aboutDomain(name, settings));
  return [...names, ...aboutAddress(sender)];
}

function aboutDomain(name: string, settings: StageSettings): Inquiry[] {
  const label = domainLabel(name);
  if (label === null || isExempt(settings, label)) return [];
  return (["dbl", "zrd"] as const).map((list) => ({ list, label, subject: label }));
}

function aboutAddress(address: string): Inquiry[] {
  return emailForms(address).map((form) => hashed("_email", form, address));
}

function hashed(form: string, text: string, subject: string): Inquiry {
  return { list: "hbl", label: `${hashOf(text)}.${form}`, subject };
}

function aboutContent(found: Extractor, settings: StageSettings): Inquiry[] {
  const domains = [...found.hosts, ...[...found.addresses].map(domainOf)];
  return [
    ...domains.flatMap((name) => aboutDomain(name, settings)),
    ...[...found.addresses].filter((address) => !isExempt(settings, domainOf(address))).flatMap(aboutAddress),
    ...[...found.urls].map((url) => hashed("_url", url, url)),
    ...[...found.wallets].map((wallet) => hashed("_cw", wallet, wallet)),
    ...[...found.files].map((hash) => ({
      list: "hbl" as const,
      label: `${hash}._file`,
      subject: "attachment",
    })),
  ];
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

function isExempt({ exemptDomains }: StageSettings, domain: string): boolean {
  for (let name = domain.toLowerCase(); name !== ""; name = parentOf(name)) {
    if (exemptDomains.has(name)) return true;
  }
  return false;
}

function unique(inquiries: readonly Inquiry[]): Inquiry[] {
  return [...new Map(inquiries.map((inquiry) => [`${inquiry.list} ${inquiry.label}`, inquiry])).values()];
}
