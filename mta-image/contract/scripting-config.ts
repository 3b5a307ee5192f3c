/**
 * The scripts of smtpd-app.yaml: files that scripts import, the scripts of each hook by name, and what a run may use.
 * Which server calls which script is said at servers[].phases. The engine compiles them before a configuration comes into force.
 */
import { z } from "zod";

import { domain, identifier, someSize, timeSpan } from "./config-values.ts";

/** Ids of files are paths: "lib/a.hsl". */
const fileId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\0-\x1f\\]+$/, "must be a name or a path");

const File = z
  .strictObject({
    id: fileId.describe("What scripts include and import: `file:<id>`, or the id alone."),
    data: z.string().max(1_048_576).optional().describe("The text; base64 when binary."),
    path: z.string().min(1).optional().describe("Where to read it from instead; read again on reload."),
    binary: z.boolean().default(false).describe("The data is base64."),
  })
  .refine(({ data, path }) => (data === undefined) !== (path === undefined), "needs either data or path");

const Script = z.strictObject({
  id: identifier.describe("What servers[].phases.….hook names."),
  data: z.string().max(1_048_576).describe("The script."),
});

const scripts = (when: string): z.ZodDefault<z.ZodArray<typeof Script>> =>
  z.array(Script).max(1000).default([]).describe(when);

const Directory = z.strictObject({
  id: identifier.describe("The first argument of ldap_search() and ldap_bind()."),
  uri: z
    .string()
    .regex(/^ldaps?:\/\/[^\s/]+\/?( ldaps?:\/\/[^\s/]+\/?)*$/, "must be ldap://host or ldaps://host")
    .describe("Several with a space between are tried in turn."),
  starttls: z.boolean().default(false).describe("Goes on within TLS before anything is asked."),
  binddn: z.string().max(1024).default("").describe("Who asks; nobody when empty."),
  passwordfile: z
    .string()
    .min(1)
    .optional()
    .describe("Path of the file with its password; read at each use."),
  base: z.string().max(1024).default("").describe("Where searches begin."),
  filter: z
    .string()
    .max(4096)
    .default("(mail=%s)")
    .describe("What is searched for; %s is the text that is looked up."),
  attributes: z.array(z.string().max(255)).max(100).default([]).describe("All when empty."),
  userdn: z
    .string()
    .max(1024)
    .default("")
    .describe("Name of a user for ldap_bind(), with %s; without it the one entry that the filter finds."),
  timeout: timeSpan.prefault("10s").describe("For connecting, and for each answer."),
});

export const ScriptingConfig = z
  .strictObject({
    files: z.array(File).max(1000).default([]).describe("Files for include and import."),
    hooks: z
      .strictObject({
        connect: scripts("Before the greeting."),
        proxy: scripts("Once the PROXY header is read."),
        helo: scripts("At HELO, EHLO and LHLO."),
        auth: scripts("At AUTH."),
        mailfrom: scripts("At MAIL FROM."),
        rcptto: scripts("At each RCPT TO."),
        eod: scripts("At the end of the content."),
        disconnect: scripts("When the client is gone."),
        predelivery: z.string().max(1_048_576).optional().describe("The script before each attempt."),
        postdelivery: z.string().max(1_048_576).optional().describe("The script after each attempt."),
      })
      .prefault({})
      .describe("Scripts by hook."),
    ldap: z
      .array(Directory)
      .max(100)
      .default([])
      .describe("Extension. Directories of ldap_search() and ldap_bind()."),
    onerror: z
      .enum(["defer", "reject", "accept"])
      .default("defer")
      .describe(
        "Extension. What a script that fails means: a temporary refusal, a lasting one, or as if there were no script.",
      ),
    limits: z
      .strictObject({
        steps: z.int().min(1000).max(10_000_000_000).default(200_000_000).describe("Steps of the script."),
        computing: timeSpan
          .prefault("2s")
          .describe("Time of computing; while a script computes, mail waits."),
        time: timeSpan.prefault("5m").describe("Time from start to end, waiting included."),
        memory: someSize.prefault("1GiB").describe("Bytes that are allocated in all."),
      })
      .prefault({})
      .describe("Extension. What one run may use."),
  })
  .describe("Scripts of hooks.");
export type ScriptingConfig = z.infer<typeof ScriptingConfig>;

/** A phase that has nothing but its script. */
export const Phase = z.strictObject({ hook: identifier.optional().describe("Script of the phase.") });

/** At RCPT: one script for all recipients, or by domain, the first that fits. */
export const recipientHook = z
  .union([
    identifier,
    z
      .array(
        z.strictObject({
          id: identifier.describe("Script of the phase."),
          recipientdomains: z
            .array(domain)
            .max(10_000)
            .optional()
            .describe("Absent: all that none before it named."),
        }),
      )
      .max(100),
  ])
  .optional()
  .describe("Script of the phase, or a list by recipient domain.");
