/**
 * smtpd-app.yaml: what a reload may change. Halon's keys where Halon has them; those marked "Extension" are ours.
 */
import { z } from "zod";

import { duration, identifier, nameServer, network } from "./config-values.ts";
import { withoutEffect } from "./halon-keys.ts";
import { ScriptingConfig } from "./scripting-config.ts";
import { AuthenticationConfig } from "./authentication-config.ts";
import { BouncesConfig } from "./bounces-config.ts";
import { EventsConfig } from "./events-config.ts";
import { TelemetryConfig } from "./telemetry-config.ts";
import { TlsReportsConfig } from "./tls-reports-config.ts";
import { TracesConfig } from "./traces-config.ts";
import { QueueMatch } from "./queue-fields.ts";
import { AppServer } from "./server-config.ts";
import { FeedbackConfig } from "./feedback-config.ts";
import { SuppressionConfig } from "./suppression-config.ts";
import { SpamhausConfig } from "./spamhaus-config.ts";
import { Address, Retry, TransportGroup } from "./transport-config.ts";

export const AppConfig = z.strictObject({
  version: z.string().default("5.6").describe("Version of the format, for people: any is taken."),
  servers: z
    .array(AppServer)
    .min(1)
    .max(16)
    .describe(
      "Settings of the servers of smtpd.yaml. What is for SMTP alone, as AUTH and all hooks but eod, is refused in one of type http or plugin.",
    ),
  addresses: z.array(Address).max(1000).default([]).describe("Source addresses by name."),
  transportgroups: z.array(TransportGroup).min(1).max(1000).describe("How mail leaves."),
  queues: z
    .strictObject({
      concurrency: z
        .int()
        .min(1)
        .max(1000)
        .default(20)
        .describe("Extension. Connections to one destination."),
      retries: z
        .array(
          z.strictObject({
            if: QueueMatch.describe("Mail that it is about."),
            retry: Retry.describe("Its schedule."),
          }),
        )
        .max(10_000)
        .default([])
        .describe(
          "Extension. Retry schedules by the facts of mail; the first that matches is taken in place of the transport's.",
        ),
      pooling: z
        .strictObject({
          size: z
            .int()
            .min(1)
            .max(100_000)
            .default(1000)
            .describe("Connections to all destinations together."),
          transactions: z.int().min(1).default(1000).describe("Messages over one connection."),
          timeout: duration.prefault("30s").describe("How long an unused one is kept."),
          policy: withoutEffect("queues.pooling.policy", z.string()),
        })
        .prefault({})
        .describe("Connections kept for the next message: how many in all, for how many messages, how long."),
      grouping: z
        .strictObject({
          default: z
            .enum(["recipientdomain", "remotemx"])
            .default("recipientdomain")
            .describe("What a destination is grouped by when no grouping fits."),
          groupings: z
            .array(
              z.strictObject({
                id: identifier.describe('Referred to as "&id".'),
                remotemx: z
                  .array(z.string().min(1).max(255))
                  .max(1000)
                  .default([])
                  .describe("Mail exchangers: names, *.example.net, /patterns/."),
                remoteip: z.array(network).max(1000).default([]).describe("Addresses of mail exchangers."),
                recipientdomain: z
                  .array(z.string().min(1).max(255))
                  .max(10_000)
                  .default([])
                  .describe("Domains of recipients: names, *.example.net, /patterns/."),
              }),
            )
            .max(1000)
            .default([])
            .describe("Groups of hosts; the first that fits counts."),
        })
        .prefault({})
        .describe("Domains that are served by the same hosts count together in policies (roll-up)."),
    })
    .prefault({})
    .describe("How mail waits and is tried (docs/scheduling.md)."),
  resolver: z
    .strictObject({
      cache: z
        .strictObject({
          size: z.int().min(0).max(1_000_000).default(10_000).describe("Answers that are kept."),
        })
        .prefault({})
        .describe("Answers are kept as long as they say."),
      servers: z
        .array(nameServer)
        .max(8)
        .default([])
        .describe("Extension. Name servers, with :port if need be; the system's when absent."),
      validating: z
        .array(nameServer)
        .max(8)
        .default([])
        .describe(
          "Extension. Name servers that validate DNSSEC and are believed when they say so (DANE, REQUIRETLS). On this machine, or on a path that nobody else can write to.",
        ),
    })
    .prefault({})
    .describe("Where names are asked for."),
  bounces: BouncesConfig.prefault({}).describe(
    "Extension. Classes of replies, in events, metrics and reactions (docs/scheduling.md).",
  ),
  feedback: FeedbackConfig.optional().describe(
    "Extension. Bounces that come later and complaints (docs/bounces.md).",
  ),
  suppression: SuppressionConfig.optional().describe(
    "Extension. Recipients that get no mail any more (docs/bounces.md); off when absent.",
  ),
  events: EventsConfig.prefault({}).describe("Extension. Who hears what became of mail (docs/events.md)."),
  opentelemetry: TelemetryConfig.optional().describe(
    "Extension. Spans of mail by OTLP (docs/tracing.md); absent: none.",
  ),
  tlsreports: TlsReportsConfig.optional().describe(
    "Extension. Sends reports of TLS, once a day, to domains that ask for them (RFC 8460); absent: nobody gets any.",
  ),
  traces: TracesConfig.prefault({}).describe("Extension. Sessions whose dialogue is kept (docs/tracing.md)."),
  authentication: AuthenticationConfig.optional().describe(
    "Extension. DKIM, SPF, DMARC and ARC (docs/sending-and-verifying.md).",
  ),
  spamhaus: SpamhausConfig.optional().describe("Extension. Spamhaus DQS with HBL; docs/spamhaus.md."),
  scripting: ScriptingConfig.prefault({}),
  plugins: z
    .array(
      z.strictObject({
        id: identifier.describe("A plugin of smtpd.yaml."),
        config: z.record(z.string(), z.unknown()).describe("Handed to it at each reload."),
      }),
    )
    .max(64)
    .default([])
    .describe("Settings of native plugins that a reload may change."),
});
export type AppConfig = z.infer<typeof AppConfig>;
