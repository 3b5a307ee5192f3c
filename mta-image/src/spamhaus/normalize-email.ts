/**
 * An e-mail address as HBL hashes it (pure): lower case, gmail.com for googlemail.com, without +tag, and for Gmail
 * without dots. Both the normal form and the plain lower case are asked when they differ, since lists made from what
 * others found in mail hold either. Empty for what is no address.
 */
import { domainLabel } from "./names.ts";

const LONGEST = 320;

export function emailForms(address: string): readonly string[] {
  const at = address.lastIndexOf("@");
  if (at < 1 || address.length > LONGEST) return [];
  const local = address.slice(0, at).trim().toLowerCase();
  const domain = domainLabel(address.slice(at + 1).trim());
  if (domain === null || local === "") return [];
  const host = domain === "googlemail.com" ? "gmail.com" : domain;
  const plus = local.indexOf("+");
  const untagged = plus > 0 ? local.slice(0, plus) : local;
  const name = host === "gmail.com" ? untagged.replaceAll(".", "") : untagged;
  return [...new Set([`${name}@${host}`, `${local}@${domain}`])];
}
