/**
 * The part `authentication` of smtpd-app.yaml, an extension: who vouches for mail that comes in (DKIM, SPF, DMARC,
 * ARC), and DKIM signatures for mail of our own. Private keys stand in files of their own, so that configuration can
 * be shown, logged and pushed.
 */
import { z } from "zod";

import { domain, identifier } from "./config-values.ts";

const Key = z.strictObject({
  id: identifier.describe("Name of the key, for sign and seal."),
  domain: domain.describe("d= of its signatures."),
  selector: domain.describe("s= of its signatures; the key's record is <selector>._domainkey.<domain>."),
  file: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      "File with the private key, RSA or Ed25519: PEM, or an Ed25519 seed in base64. Read on reload.",
    ),
});

const Verify = z.strictObject({
  servers: z
    .array(identifier)
    .max(16)
    .optional()
    .describe("Servers whose mail is verified; all when absent. Clients that may relay are never asked."),
  enforce: z
    .boolean()
    .default(false)
    .describe("Refuse (550 5.7.1) what fails DMARC where the domain of From asks for it (p=reject)."),
  seal: identifier.optional().describe("Key of an ARC seal on mail that was verified; none when absent."),
});

const Sign = z.strictObject({
  domains: z
    .array(domain)
    .min(1)
    .max(10_000)
    .describe("Domains of From, each with all below it. The first entry that fits counts."),
  keys: z.array(identifier).min(1).max(4).describe("Keys that sign, one signature each."),
});

export const AuthenticationConfig = z.strictObject({
  verify: Verify.optional().describe(
    "Adds Authentication-Results to mail of clients that may not relay, and removes forged ones. Absent: nothing.",
  ),
  keys: z.array(Key).max(1000).default([]).describe("Private keys."),
  sign: z
    .array(Sign)
    .max(1000)
    .default([])
    .describe("Who signs mail of clients that may relay, and notices of our own."),
});
export type AuthenticationConfig = z.infer<typeof AuthenticationConfig>;

/** Names that stand for nothing, as places and reasons. */
export function checkAuthentication(
  config: AuthenticationConfig,
  servers: ReadonlySet<string>,
): { readonly path: string; readonly reason: string }[] {
  const keys = new Set(config.keys.map(({ id }) => id));
  const missing = (path: string, what: string, name: string): { path: string; reason: string } => ({
    path: `authentication.${path}`,
    reason: `there is no ${what} "${name}"`,
  });
  const { seal, servers: named = [] } = config.verify ?? {};
  return [
    ...named.flatMap((name, i) =>
      servers.has(name) ? [] : [missing(`verify.servers[${i}]`, "server", name)],
    ),
    ...(seal === undefined || keys.has(seal) ? [] : [missing("verify.seal", "key", seal)]),
    ...config.sign.flatMap(({ keys: used }, i) =>
      used.flatMap((name, j) => (keys.has(name) ? [] : [missing(`sign[${i}].keys[${j}]`, "key", name)])),
    ),
  ];
}
