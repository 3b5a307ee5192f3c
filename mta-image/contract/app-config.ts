/**
 * smtpd-app.yaml: what a reload may change. Halon's keys where Halon has them; those marked "Extension" are
 * ours. Settings of a transport group are inherited by its transports.
 */
import { z } from "zod";

import {
  domain,
  duration,
  identifier,
  network,
  nameServer,
  networkAddress,
  port,
  size,
  tlsModes,
} from "./config-values.ts";
import { Phase, ScriptingConfig, recipientHook } from "./scripting-config.ts";
import { AuthenticationConfig } from "./authentication-config.ts";
import { BouncesConfig } from "./bounces-config.ts";
import { EventsConfig } from "./events-config.ts";
import { TelemetryConfig } from "./telemetry-config.ts";
import { TlsReportsConfig } from "./tls-reports-config.ts";
import { TracesConfig } from "./traces-config.ts";
import { ObjectStoreConfig } from "./object-store-config.ts";
import { QueueMatch } from "./queue-fields.ts";
import { FeedbackConfig } from "./feedback-config.ts";
import { SuppressionConfig } from "./suppression-config.ts";
import { SpamhausConfig } from "./spamhaus-config.ts";

/** Loopback and the private ranges (RFC 1918, RFC 4193). */
const privateNetworks = [
  "127.0.0.0/8",
  "::1/128",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
];

const AppServer = z.strictObject({
  id: identifier.describe("A server of smtpd.yaml."),
  transport: identifier.describe("Transport that mail of this server takes."),
  hostname: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("Extension. Name in the greeting; environment.hostname when absent."),
  relaynetworks: z
    .array(network)
    .max(256)
    .default(privateNetworks)
    .describe(
      "Extension. Clients in these networks may send to any domain. Loopback and private ranges when absent.",
    ),
  proxynetworks: z
    .array(network)
    .max(256)
    .default(privateNetworks)
    .describe(
      "Extension. Proxies that may name the client where smtpd.yaml says proxyprotocol; all others are cut.",
    ),
  xclientnetworks: z
    .array(network)
    .max(256)
    .default([])
    .describe("Extension. Clients that may speak for others by XCLIENT; nobody when absent."),
  relaydomains: z
    .array(domain)
    .max(10_000)
    .default([])
    .describe("Extension. Domains that mail is taken for from anybody."),
  phases: z
    .strictObject({
      connect: z
        .strictObject({
          ...Phase.shape,
          greetdelay: duration
            .prefault("0s")
            .describe(
              "Extension. How long clients outside relaynetworks wait for the greeting; who speaks first is turned away.",
            ),
        })
        .prefault({})
        .describe("Before the greeting."),
      proxy: Phase.prefault({}).describe("Once the PROXY header is read."),
      helo: Phase.prefault({}).describe("HELO and EHLO."),
      auth: Phase.prefault({}).describe("AUTH."),
      mailfrom: Phase.prefault({}).describe("MAIL FROM."),
      rcptto: z
        .strictObject({
          hook: recipientHook,
          maxrecipients: z
            .int()
            .min(1)
            .max(100_000)
            .default(1000)
            .describe("Recipients of one message; those beyond are put off with 452."),
        })
        .prefault({})
        .describe("Each RCPT TO."),
      data: z
        .strictObject({
          maxsize: size.prefault("50MiB").describe("Bytes of one message; offered as SIZE."),
          maxhops: z
            .int()
            .min(1)
            .max(1000)
            .default(100)
            .describe("Received fields that a message may carry; with more it is in a loop."),
        })
        .prefault({})
        .describe("DATA and BDAT."),
      eod: Phase.prefault({}).describe("The end of the content."),
      disconnect: Phase.prefault({}).describe("The client is gone."),
    })
    .prefault({})
    .describe("Scripts and limits by phase of the conversation (docs/hooks.md)."),
  tls: z
    .strictObject({
      implicit: z.boolean().default(false).describe("TLS from the first byte."),
      certs: z
        .array(z.strictObject({ cert: identifier.describe("Name in pki.private.") }))
        .max(1)
        .default([])
        .describe("The certificate."),
    })
    .prefault({})
    .describe("Certificates; STARTTLS is offered when there is one."),
  http: z
    .strictObject({
      apikeyfile: z
        .string()
        .min(1)
        .describe("Path of the file of keys, one a line, that X-API-Key may show; read at each request."),
    })
    .optional()
    .describe("Extension. Of a server of type http; without it nobody may submit."),
  auth: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .describe("Path of the file of logins and argon2id hashes, login:$argon2id$…; read again on reload."),
      required: z.boolean().default(false).describe("Nobody may send without AUTH."),
    })
    .optional()
    .describe("Extension. AUTH PLAIN and LOGIN, within TLS; who has authenticated may send to any domain."),
  timeout: z
    .strictObject({
      idle: duration
        .prefault("5m")
        .describe("Silence after which a client is told goodbye (RFC 5321 4.5.3.2.7)."),
    })
    .prefault({})
    .describe("How long clients may take."),
  concurrency: z
    .strictObject({
      connections: z.int().min(1).default(10_000).describe("In all; those beyond get 421."),
      perip: z.int().min(1).default(1000).describe("Of one client address; those beyond get 421."),
    })
    .prefault({})
    .describe("Extension. Connections at once, in all and per client address."),
});

const Address = z.strictObject({
  id: identifier.describe("Name of the address, for connection.sourceip."),
  address: networkAddress.describe("The IP address."),
  hostname: z.string().min(1).max(255).optional().describe("Extension. Name in EHLO from this address."),
  exclusive: z
    .boolean()
    .default(false)
    .describe(
      "Extension. In a cluster only the engine that was started with this address (--identity) connects from it.",
    ),
  weight: z.int().min(1).max(20).default(1).describe("Extension. How often it is taken, beside the others."),
  proxy: z
    .strictObject({
      protocol: z
        .enum(["socks5", "proxy"])
        .describe("SOCKS5, or a proxy that reads a PROXY header and connects from the address in it."),
      server: z
        .string()
        .regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/, "must be host:port or [address]:port")
        .describe("Where it listens: host:port or [address]:port."),
      login: z
        .strictObject({
          username: z.string().min(1).max(255).describe("Name of the user."),
          passwordfile: z
            .string()
            .startsWith("/")
            .describe("File with the password, read at each connection, so that it may be renewed."),
        })
        .optional()
        .describe("For SOCKS5 proxies that ask for it (RFC 1929). It travels in the clear."),
    })
    .refine(({ protocol, login }) => login === undefined || protocol === "socks5", {
      message: "only SOCKS5 proxies take a login",
      path: ["login"],
    })
    .optional()
    .describe("Extension. The proxy that has the address; absent: this machine has it."),
});

const Retry = z.strictObject({
  count: z.int().min(0).max(1000).default(30).describe("Attempts after the first one."),
  intervals: z
    .array(
      z.strictObject({
        interval: duration.describe("Time to wait."),
        notify: z.boolean().default(false).describe("Then the sender is told that it takes longer."),
      }),
    )
    .min(1)
    .max(100)
    .prefault([
      { interval: "1m" },
      { interval: "15m" },
      { interval: "1h", notify: true },
      { interval: "2h" },
      { interval: "3h" },
    ])
    .describe("Waits between attempts; the last one repeats. notify sends a delay notice."),
});

const PluginDelivery = z.strictObject({
  id: identifier.describe("A native plugin that delivers."),
  arguments: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "What it is given; {transactionid}, {queueid}, {sender}, {recipient}, {recipientdomain} are filled in.",
    ),
  timeout: duration.prefault("10m").describe("After it the outcome is unclear and the mail is tried again."),
});

const sourceName = networkAddress.or(identifier);

/** What a transport may say; absent keys are taken from its group, then from the defaults. */
const transportSettings = {
  retry: Retry.optional().describe("When mail that was put off is tried again."),
  connection: z
    .strictObject({
      server: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(16)])
        .optional()
        .describe(
          "Host or [address], with :port if need be, or several in order. Absent: the domain's mail exchangers.",
        ),
      port: port.default(25).describe("Extension. Port for hosts that name none."),
      sourceip: z
        .strictObject({
          ipv4: z
            .array(sourceName)
            .optional()
            .describe("By IPv4; when only the other is given, hosts are not tried by IPv4."),
          ipv6: z
            .array(sourceName)
            .optional()
            .describe("By IPv6; when only the other is given, hosts are not tried by IPv6."),
        })
        .optional()
        .describe("Addresses to connect from, or their ids in addresses; chosen anew at each attempt."),
      timeout: duration.optional().describe("Extension. How long connecting may take."),
    })
    .optional()
    .describe("Where and from where connections are opened."),
  session: z
    .strictObject({
      protocol: z
        .enum(["smtp", "lmtp"])
        .default("smtp")
        .describe("Extension. LMTP (RFC 2033) wants connection.server, which may be the path of a socket."),
      chunking: z
        .boolean()
        .default(false)
        .describe("Extension. BDAT in place of DATA where it is offered (RFC 3030), for mail up to 256 KiB."),
      tls: z
        .strictObject({
          mode: z
            .enum(tlsModes)
            .default("optional")
            .describe(
              "Whether mail travels in TLS, and whose certificate is good; dane wants resolver.validating.",
            ),
          mtasts: z
            .boolean()
            .default(false)
            .describe(
              "Extension. Heed MTA-STS policies of recipients' domains (RFC 8461), on top of the mode.",
            ),
        })
        .prefault({})
        .describe("TLS on the way out (docs/sending-and-verifying.md)."),
    })
    .optional()
    .describe("How it is spoken over them."),
  objectstore: ObjectStoreConfig.optional().describe(
    "Extension. Mail becomes objects of a store that speaks S3, in place of SMTP.",
  ),
  plugin: PluginDelivery.optional().describe(
    "Extension. A plugin delivers, in place of SMTP (docs/plugin-abi.md).",
  ),
} as const;

const TransportGroup = z.strictObject({
  id: identifier.describe("Name of the group."),
  dsn: z
    .strictObject({ transport: identifier.describe("Its name.") })
    .optional()
    .describe("Transport that notices take; this one when absent."),
  ...transportSettings,
  transports: z
    .array(
      z.strictObject({ id: identifier.describe("Name that servers and scripts use."), ...transportSettings }),
    )
    .min(1)
    .max(1000)
    .describe("Transports of the group; what one does not say is taken from the group."),
});

export const AppConfig = z.strictObject({
  version: z.string().default("5.6").describe("Version of the format."),
  servers: z.array(AppServer).min(1).max(16).describe("Settings of the servers of smtpd.yaml."),
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
