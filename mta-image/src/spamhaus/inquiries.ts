/**
 * From what a mail is about to the questions about it: clients, domains, addresses, and what was found in the content.
 * What cannot be asked about gives no question. The same subjects come again and again, so what was made of them is
 * kept, up to a bound; a reload begins anew. Never fails.
 */
import type { SenderFacts } from "../session/checks.ts";
import type { Extractor } from "./extract.ts";
import { hashOf } from "./hash.ts";
import { addressLabel, domainLabel } from "./names.ts";
import { emailForms } from "./normalize-email.ts";
import { type StageSettings, isExempt } from "./stage-settings.ts";
import type { Inquiry } from "./verdict.ts";
import { codesForUrls, type hashForms } from "./zones.ts";

/** Subjects remembered, a few hundred bytes each; then all are forgotten at once. */
const MOST_KNOWN = 8192;

export class Inquirer {
  readonly #settings: StageSettings;
  readonly #known = new Map<string, readonly Inquiry[]>();

  constructor(settings: StageSettings) {
    this.#settings = settings;
  }

  client(ip: string, list: "zen" | "authbl"): readonly Inquiry[] {
    return this.#remember(list, ip, () => aboutClient(ip, list));
  }

  domain(name: string): readonly Inquiry[] {
    return this.#remember("domain", name, () => aboutDomain(name, this.#settings));
  }

  address(address: string): readonly Inquiry[] {
    return this.#remember("address", address, () => aboutAddress(address));
  }

  /**
   * Who has logged in is one of our own people and not a mail server: their address may well be one that sends no mail
   * (PBL), and the name of their machine says nothing.
   */
  envelope({ ip, helo, sender, isLoggedIn }: SenderFacts): Inquiry[] {
    const isAsked = this.#settings.stages.has(isLoggedIn ? "auth" : "connect");
    return [
      ...(isAsked ? this.client(ip, isLoggedIn ? "authbl" : "zen") : []),
      ...(isLoggedIn ? [] : this.domain(helo)),
      ...this.domain(domainOf(sender)),
      ...this.address(sender),
    ];
  }

  content({ hosts, ips, addresses, urls, wallets, files }: Extractor): Inquiry[] {
    const asked: Inquiry[] = [];
    for (const ip of ips)
      for (const one of aboutClient(ip, "zen")) asked.push({ ...one, codes: codesForUrls });
    for (const host of hosts) asked.push(...this.domain(host));
    for (const address of addresses) {
      const domain = domainOf(address);
      asked.push(...this.domain(domain));
      if (!isExempt(this.#settings, domain)) asked.push(...this.address(address));
    }
    for (const url of urls) asked.push(...this.#remember("url", url, () => [hashed("_url", url, url)]));
    for (const wallet of wallets) asked.push(hashed("_cw", wallet, wallet));
    for (const hash of files) asked.push(inquiry("hbl", `${hash}._file`, "attachment"));
    return asked;
  }

  #remember(kind: string, subject: string, make: () => readonly Inquiry[]): readonly Inquiry[] {
    const key = `${kind} ${subject}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}

function aboutClient(ip: string, list: "zen" | "authbl"): Inquiry[] {
  const label = addressLabel(ip);
  return label === null ? [] : [inquiry(list, label, ip)];
}

function aboutDomain(name: string, settings: StageSettings): Inquiry[] {
  const label = domainLabel(name);
  if (label === null || isExempt(settings, label)) return [];
  return (["dbl", "zrd"] as const).map((list) => inquiry(list, label, label));
}

function aboutAddress(address: string): Inquiry[] {
  return emailForms(address).map((form) => hashed("_email", form, address));
}

export function hashed(form: keyof typeof hashForms, text: string | Buffer, subject: string): Inquiry {
  return inquiry("hbl", `${hashOf(text)}.${form}`, subject);
}

function inquiry(list: Inquiry["list"], label: string, subject: string): Inquiry {
  return { list, label, subject, id: `${label}.${list}` };
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** The first of each. */
export function unique(inquiries: readonly Inquiry[]): Inquiry[] {
  const seen = new Set<string>();
  return inquiries.filter(({ id }) => {
    const before = seen.size;
    return seen.add(id).size > before;
  });
}
