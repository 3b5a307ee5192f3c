/**
 * Reads Spamhaus' rules for URLs (URL_normalization.yaml): a list of name, re, lowerhash and domains; the one without
 * domains is for all other hosts. Throws a Failure `spamhaus-url-rules` that names the file when it cannot be read.
 */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { z } from "zod";

import { Failure, describe } from "#base/error.ts";

import { type UrlRule, type UrlRules, builtInRules } from "./normalize-url.ts";

const RulesFile = z
  .array(
    z.object({
      name: z.string().max(100),
      re: z.string().min(1).max(2000),
      lowerhash: z.boolean().default(false),
      domains: z.array(z.string().max(253)).max(100_000).default([]),
    }),
  )
  .max(1000);

export async function readUrlRules(file: string): Promise<UrlRules> {
  try {
    return parseUrlRules(await readFile(file, "utf8"));
  } catch (cause) {
    const reason = `spamhaus.urlrules: cannot use ${file}: ${describe(cause)}`;
    throw new Failure("spamhaus-url-rules", reason, { transient: false, cause });
  }
}

/** Throws for what is no such file. */
export function parseUrlRules(text: string): UrlRules {
  const byDomain = new Map<string, UrlRule>();
  let fallback = builtInRules.fallback;
  for (const { name, re, lowerhash, domains } of RulesFile.parse(load(text))) {
    const rule = { name, pattern: new RegExp(`^(?:${re})`), lowerHash: lowerhash };
    if (domains.length === 0) fallback = rule;
    for (const domain of domains) byDomain.set(domain.toLowerCase(), rule);
  }
  return { byDomain, fallback };
}
