/**
 * Conditions on the facts of mail (pure): compiled once, asked at each look. Names are compared in lower case. A
 * fact that is not known ("") is matched by no condition. Lists are looked up when asked, since plugins change them.
 */
import { BlockList, isIP } from "node:net";

import { patternOf } from "#base/pattern.ts";
import { type QueueField, type QueueMatch, queueFields } from "#contract/queue-fields.ts";

/** "" for what is not known. */
export type Facts = Readonly<Record<QueueField, string>>;

export type Lists = (field: QueueField, name: string) => ReadonlySet<string> | undefined;

export interface Matcher {
  readonly fields: readonly QueueField[];
  /** A field that must have exactly this value, for an index; null when there is none. */
  readonly exact: { readonly field: QueueField; readonly value: string } | null;
  matches(facts: Facts): boolean;
}

type Test = (value: string) => boolean;

/** Values that few entries share come first: an index by them leaves little to look at. */
const indexOrder: readonly QueueField[] = [
  "jobid",
  "recipientdomain",
  "remoteip",
  "remotemx",
  "localip",
  "grouping",
  "tenantid",
  "transportid",
];

export function compileMatch(match: QueueMatch, lists: Lists): Matcher {
  const tests = queueFields.flatMap((field) => {
    const value = match[field];
    return value === undefined ? [] : [{ field, test: compileValue(field, value, lists) }];
  });
  return {
    fields: tests.map(({ field }) => field),
    exact: exactOf(match),
    matches: (facts) => tests.every(({ field, test }) => facts[field] !== "" && test(facts[field])),
  };
}

/** One value or several of which any fits. */
export function compileValue(field: QueueField, value: string | readonly string[], lists: Lists): Test {
  if (typeof value === "string") return compileText(field, value, lists);
  const tests = value.map((text) => compileText(field, text, lists));
  return (fact) => tests.some((test) => test(fact));
}

function compileText(field: QueueField, text: string, lists: Lists): Test {
  const pattern = /^\/(.+)\/$/.exec(text)?.[1];
  if (pattern !== undefined) {
    const regex = patternOf(pattern);
    return (fact) => regex.test(fact);
  }
  if (text.startsWith("@")) return (fact) => lists(field, text.slice(1))?.has(fact) ?? false;
  if (isAddressField(field)) return compileAddress(text);
  if (text.startsWith("*.")) {
    const suffix = text.slice(1).toLowerCase();
    return (fact) => fact.endsWith(suffix);
  }
  const wanted = canonical(field, text);
  return (fact) => fact === wanted;
}

function compileAddress(text: string): Test {
  const [address = "", bits] = text.split("/");
  const family = isIP(address);
  if (family === 0) return (fact) => fact === text;
  const list = new BlockList();
  const name = family === 4 ? "ipv4" : "ipv6";
  const longest = family === 4 ? 32 : 128;
  const length = bits === undefined ? longest : Number(bits);
  // A network that is none matches nothing; the configuration's check says so to its writer.
  if (!Number.isInteger(length) || length < 0 || length > longest) return () => false;
  list.addSubnet(address, length, name);
  return (fact) => isIP(fact) === family && list.check(fact, name);
}

function exactOf(match: QueueMatch): Matcher["exact"] {
  for (const field of indexOrder) {
    const value = match[field];
    if (typeof value !== "string" || /^(?:@|\*\.|\/.+\/$)/.test(value)) continue;
    // The same address has several spellings, and a network is no value.
    if (isAddressField(field) && (value.includes("/") || value.includes(":"))) continue;
    return { field, value: canonical(field, value) };
  }
  return null;
}

function isAddressField(field: QueueField): boolean {
  return field === "localip" || field === "remoteip";
}

function canonical(field: QueueField, text: string): string {
  return field === "recipientdomain" || field === "remotemx" ? text.toLowerCase() : text;
}
