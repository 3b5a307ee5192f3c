/**
 * From what a mail is about to the questions about it (pure): clients, domains, addresses, and what was found in the
 * content. What cannot be asked about gives no question.
 */
import type { SenderFacts } from "../session/checks.ts";
import type { Extractor } from "./extract.ts";
import { hashOf } from "./hash.ts";
import { addressLabel, domainLabel } from "./names.ts";
import { emailForms } from "./normalize-email.ts";
import { type StageSettings, isExempt } from "./stage-settings.ts";
import type { Inquiry } from "./verdict.ts";
import type { hashForms } from "./zones.ts";

export function aboutClient(ip: string, list: "zen" | "authbl"): Inquiry[] {
  const label = addressLabel(ip);
  return label === null ? [] : [{ list, label, subject: ip }];
}

/**
 * Who has logged in is one of our own people and not a mail server: their address may well be one that sends no mail
 * (PBL), and the name of their machine says nothing.
 */
export function aboutEnvelope(facts: SenderFacts, settings: StageSettings): Inquiry[] {
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

export function aboutDomain(name: string, settings: StageSettings): Inquiry[] {
  const label = domainLabel(name);
  if (label === null || isExempt(settings, label)) return [];
  return (["dbl", "zrd"] as const).map((list) => ({ list, label, subject: label }));
}

export function aboutAddress(address: string): Inquiry[] {
  return emailForms(address).map((form) => hashed("_email", form, address));
}

export function hashed(form: keyof typeof hashForms, text: string | Buffer, subject: string): Inquiry {
  return { list: "hbl", label: `${hashOf(text)}.${form}`, subject };
}

export function aboutContent(found: Extractor, settings: StageSettings): Inquiry[] {
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

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

export function unique(inquiries: readonly Inquiry[]): Inquiry[] {
  return [...new Map(inquiries.map((inquiry) => [`${inquiry.list} ${inquiry.label}`, inquiry])).values()];
}
