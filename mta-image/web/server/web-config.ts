/**
 * web.yaml: where the engines are, who may come in, where the pages are served. Read once at start; whoever changes it
 * restarts the server, which keeps nothing. A file that is wrong throws a Failure `web-config-invalid` that says where.
 */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { z } from "zod";

import { Failure, describe } from "#base/error.ts";
import { parseDuration } from "#contract/units.ts";
import { Role } from "#web/shared/web-api.ts";

const path = z.string().min(1).max(4096);
const port = z.int().min(0).max(65_535);

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
  port: port.default(8443),
  scheme: z.enum(["https", "http"]).default("https"),
});

export const WebConfig = z.strictObject({
  title: z.string().max(60).default("Mailfleet").describe("Shown on every page."),
  listener: z
    .strictObject({
      address: z.string().default("127.0.0.1"),
      port: port.default(8080),
      tls: z.strictObject({ cert: path, key: path }).optional().describe("PEM files; serve HTTPS."),
    })
    .prefault({}),
  engines: z
    .strictObject({
      hosts: z.array(Host).max(500).default([]),
      discover: z.array(Discover).max(20).default([]),
      tokenfile: path.optional().describe("The engines' bearer token."),
      ca: path
        .optional()
        .describe("PEM file of the authority that the engines' certificates are checked by."),
      servername: z.string().max(253).optional().describe("The name in the engines' certificates."),
      timeout: z.string().default("3s").describe("An engine that takes longer is shown as silent."),
    })
    .refine(({ hosts, discover }) => hosts.length + discover.length > 0, "names no engine"),
  users: path.optional().describe("File with users, roles and hashes of passwords (see users.yaml)."),
  sessions: z
    .strictObject({
      keyfile: path.describe("At least 32 random bytes; the same for all replicas."),
      lifetime: z.string().default("8h"),
    })
    .describe("Cookies are signed with it, so no server needs to remember anybody."),
  proxy: z
    .strictObject({
      trusted: z.array(z.string().max(64)).min(1).max(100).describe("Networks that the proxy speaks from."),
      userheader: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/)
        .default("x-forwarded-user"),
      groupsheader: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/)
        .default("x-forwarded-groups"),
      roles: z.record(z.string().max(255), Role).default({}).describe("Group to role; the highest counts."),
    })
    .optional()
    .describe("A reverse proxy that says who comes; the same headers from anybody else mean nothing."),
  audit: z
    .strictObject({ file: path.optional().describe("One line of JSON an action, appended.") })
    .prefault({}),
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

/** Milliseconds of a duration that the file names. */
export function spanOf(file: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) throw invalid(file, `${text} is no duration such as 8h`);
  return ms;
}

export function invalid(file: string, reason: string): Failure {
  return new Failure("web-config-invalid", `${file}: ${reason}`, { transient: false });
}
