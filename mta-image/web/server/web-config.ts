/**
 * web.yaml: where the engines are, who may come in, where the pages are served. Read once at start; whoever changes it
 * restarts the server, which keeps nothing. A file that is wrong throws a Failure `web-config-invalid` that says where.
 */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { z } from "zod";

import { Failure, describe } from "#base/error.ts";
import { network, networkAddress, port, timeSpan } from "#contract/config-values.ts";
import { Role } from "#web/shared/web-api.ts";

const path = z.string().min(1).max(4096);

const Host = z.strictObject({
  name: z.string().min(1).max(253).describe("What the pages call it."),
  url: z.url({ protocol: /^https?$/ }).describe("Its admin API, such as https://192.0.2.10:8443."),
});

const Discover = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .describe("Every address of this name is an engine, as a headless Service has it."),
  port: port.default(8443).describe("Of their admin API."),
  scheme: z.enum(["https", "http"]).default("https").describe("How it is spoken to."),
});

/** Plain HTTP would show codes and tokens to everybody on the way; on this machine there is no way. */
const secureUrl = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .refine(
    (text) => /^https:|^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$)/.test(text),
    "must be https, or http on this machine",
  );
const claim = z.string().min(1).max(255);

export const OidcConfig = z.strictObject({
  issuer: secureUrl.describe("The provider, as its tokens name it; its description is read from there."),
  clientid: z.string().min(1).max(255).describe("What the provider calls this server."),
  clientsecretfile: path.optional().describe("The client's secret; without one it is a public client."),
  url: secureUrl.describe("Where browsers find this server; the provider must know URL/api/oidc/callback."),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(20)
    .refine((scopes) => scopes.includes("openid"), "must hold openid")
    .default(["openid", "profile", "email"])
    .describe("What is asked for; openid is among them."),
  algorithm: z
    .enum([
      "RS256",
      "RS384",
      "RS512",
      "PS256",
      "PS384",
      "PS512",
      "ES256",
      "ES384",
      "ES512",
      "EdDSA",
      "Ed25519",
    ])
    .default("RS256")
    .describe("What the provider signs by."),
  userinfo: z.boolean().default(false).describe("Ask for further claims, of providers with slim tokens."),
  nameclaim: claim.default("preferred_username").describe("Names the user."),
  rolesclaim: claim
    .default("groups")
    .describe("Groups or roles; dots lead inside, as in realm_access.roles."),
  roles: z.record(z.string().max(255), Role).default({}).describe("Group to role; the highest counts."),
  defaultrole: Role.optional().describe(
    "For whoever the provider lets in; nobody else comes in without a group.",
  ),
  label: z.string().min(1).max(60).default("Single sign-on").describe("What the button says."),
  ca: path.optional().describe("PEM file of the authority that the provider's certificate is checked by."),
});
export type OidcConfig = z.infer<typeof OidcConfig>;

export const WebConfig = z.strictObject({
  title: z.string().max(60).default("Mailfleet").describe("Shown on every page."),
  listener: z
    .strictObject({
      address: networkAddress.default("127.0.0.1").describe("IP address to listen on."),
      port: port.default(8080).describe("TCP port."),
      tls: z
        .strictObject({
          cert: path.describe("Path of the certificate chain."),
          key: path.describe("Path of the private key."),
        })
        .optional()
        .describe("PEM files; serve HTTPS."),
    })
    .prefault({})
    .describe("Where the pages are served."),
  engines: z
    .strictObject({
      hosts: z.array(Host).max(500).default([]).describe("Engines one by one."),
      discover: z
        .array(Discover)
        .max(20)
        .default([])
        .describe("Engines by names that stand for all of them."),
      tokenfile: path.optional().describe("The engines' bearer token."),
      ca: path
        .optional()
        .describe("PEM file of the authority that the engines' certificates are checked by."),
      servername: z.string().max(253).optional().describe("The name in the engines' certificates."),
      timeout: timeSpan.prefault("3s").describe("An engine that takes longer is shown as silent."),
    })
    .refine(({ hosts, discover }) => hosts.length + discover.length > 0, "names no engine")
    .describe("Whose pages these are; at least one."),
  users: path
    .optional()
    .describe("File with users, roles and hashes of passwords; docs/web.md has its form."),
  sessions: z
    .strictObject({
      keyfile: path.describe("At least 32 random bytes; the same for all replicas."),
      lifetime: timeSpan.prefault("8h").describe("After it one has to log in again."),
    })
    .describe("Cookies are signed with it, so no server needs to remember anybody."),
  proxy: z
    .strictObject({
      trusted: z.array(network).min(1).max(100).describe("Networks that the proxy speaks from."),
      userheader: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/)
        .default("x-forwarded-user")
        .describe("The header that names the user."),
      groupsheader: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/)
        .default("x-forwarded-groups")
        .describe("The header that names the groups."),
      roles: z.record(z.string().max(255), Role).default({}).describe("Group to role; the highest counts."),
    })
    .optional()
    .describe("A reverse proxy that says who comes; the same headers from anybody else mean nothing."),
  oidc: OidcConfig.optional().describe("An OpenID provider that users log in by."),
  audit: z
    .strictObject({ file: path.optional().describe("One line of JSON an action, appended.") })
    .prefault({})
    .describe("What was done, by whom."),
});
export type WebConfig = z.infer<typeof WebConfig>;

export async function loadWebConfig(file: string): Promise<WebConfig> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw invalid(file, describe(cause));
  });
  let raw: unknown;
  try {
    raw = load(text);
  } catch (error) {
    throw invalid(file, describe(error));
  }
  const parsed = WebConfig.safeParse(raw ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(file, `${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data;
}

export function invalid(file: string, reason: string): Failure {
  return new Failure("web-config-invalid", `${file}: ${reason}`, { transient: false });
}
