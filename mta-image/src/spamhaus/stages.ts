/**
 * What is asked at which moment: the client at connect (ZEN) and after AUTH (AuthBL), HELO name and sender at MAIL
 * (DBL, ZRD, HBL), and at the end of the content all of these once more, mostly from the cache, with what was found
 * inside (DBL, ZRD, HBL), so that one header field tells of everything. Implements the session's checks; never
 * rejects. Without settings there is nothing to ask.
 */
import type { SpamhausStage } from "#contract/spamhaus-config.ts";

import type { Checks, ClientFacts, ContentCheck, Ruling, SenderFacts } from "../session/checks.ts";
import type { SpamhausCounters } from "./counters.ts";
import { Extractor } from "./extract.ts";
import { Inquirer, domainOf, unique } from "./inquiries.ts";
import type { Finding } from "./judge.ts";
import type { Lookup } from "./lookup.ts";
import { type StageSettings, isExempt } from "./stage-settings.ts";
import { type Inquiry, decide } from "./verdict.ts";

export class SpamhausChecks implements Checks {
  readonly #lookup: Lookup;
  readonly #settings: () => StageSettings | null;
  readonly #counters: SpamhausCounters;
  /** Of the settings in force. */
  #inquiries: { readonly settings: StageSettings; readonly inquirer: Inquirer } | null = null;

  constructor(parts: { lookup: Lookup; settings: () => StageSettings | null; counters: SpamhausCounters }) {
    this.#lookup = parts.lookup;
    this.#settings = parts.settings;
    this.#counters = parts.counters;
  }

  connect({ ip }: ClientFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("connect", ip);
    return settings === null ? null : this.#rule(settings, this.#inquirer(settings).client(ip, "zen"));
  }

  authenticated({ ip }: ClientFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("auth", ip);
    return settings === null ? null : this.#rule(settings, this.#inquirer(settings).client(ip, "authbl"));
  }

  mailFrom(facts: SenderFacts): Promise<Ruling> | null {
    const settings = this.#settingsFor("mail", facts.ip);
    if (settings === null || isExempt(settings, domainOf(facts.sender))) return null;
    return this.#rule(settings, this.#inquirer(settings).envelope(facts));
  }

  content(facts: SenderFacts): ContentCheck | null {
    const settings = this.#settingsFor("content", facts.ip);
    if (settings === null || isExempt(settings, domainOf(facts.sender))) return null;
    const extractor = new Extractor(settings.limits, settings.urlRules);
    return {
      write: (piece) => extractor.push(piece),
      end: async () => {
        extractor.end();
        const inquirer = this.#inquirer(settings);
        const asked = [...inquirer.envelope(facts), ...inquirer.content(extractor)];
        return (await this.#rule(settings, asked)) ?? { kind: "accept", fields: "" };
      },
      abort: () => {},
    };
  }

  #settingsFor(stage: SpamhausStage, ip: string): StageSettings | null {
    const settings = this.#settings();
    return settings?.stages.has(stage) !== true || settings.isExemptClient(ip) ? null : settings;
  }

  #inquirer(settings: StageSettings): Inquirer {
    if (this.#inquiries?.settings !== settings)
      this.#inquiries = { settings, inquirer: new Inquirer(settings) };
    return this.#inquiries.inquirer;
  }

  #rule(settings: StageSettings, asked: readonly Inquiry[]): Promise<Ruling> | null {
    const inquiries = unique(asked.filter(({ list }) => settings.lists.has(list)));
    if (inquiries.length === 0) return null;
    const judge = (findings: readonly Finding[]): Ruling => {
      const { action, ruling } = decide(inquiries, findings, settings.policy);
      this.#counters.rulings[action]++;
      return ruling;
    };
    const recalled = this.#lookup.recall(inquiries);
    if (recalled === null) return this.#lookup.askAll(inquiries).then(judge);
    // What has nothing to say keeps no session waiting.
    const ruling = judge(recalled);
    return ruling.kind === "accept" && ruling.fields === "" ? null : Promise.resolve(ruling);
  }
}
