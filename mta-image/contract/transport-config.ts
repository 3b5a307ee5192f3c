/**
 * `addresses` and `transportgroups` of smtpd-app.yaml: from where and how mail leaves. Settings of a group are inherited by
 * its transports.
 */
import { z } from "zod";

import { duration, identifier, networkAddress, port, timeSpan, tlsModes } from "./config-values.ts";
import { ObjectStoreConfig } from "./object-store-config.ts";

export const Address = z.strictObject({
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

const retryCount = z.int().min(0).max(1000);
const retryIntervals = z
  .array(
    z.strictObject({
      interval: duration.describe("Time to wait."),
      notify: z.boolean().default(false).describe("Then the sender is told that it takes longer."),
    }),
  )
  .min(1)
  .max(100);
const usualIntervals = [
  { interval: "1m" },
  { interval: "15m" },
  { interval: "1h", notify: true },
  { interval: "2h" },
  { interval: "3h" },
];
const usualText = usualIntervals
  .map(({ interval, notify = false }) => `${interval}${notify ? " (notify)" : ""}`)
  .join(", ");
const aboutCount = "Attempts after the first one.";
const aboutIntervals = "Waits between attempts; the last one repeats. notify sends a delay notice.";

export const Retry = z.strictObject({
  count: retryCount.default(30).describe(aboutCount),
  intervals: retryIntervals.prefault(usualIntervals).describe(aboutIntervals),
});

/** Said by a group or a transport: `settingsOf` has the defaults, since what one leaves out the other may say. */
const OwnRetry = z.strictObject({
  count: retryCount.optional().meta({ default: 30, description: aboutCount }),
  intervals: retryIntervals.optional().describe(`${aboutIntervals} ${usualText} when absent.`),
});

const PluginDelivery = z.strictObject({
  id: identifier.describe("A native plugin that delivers."),
  arguments: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "What it is given; {transactionid}, {queueid}, {sender}, {recipient}, {recipientdomain} are filled in.",
    ),
  timeout: timeSpan.prefault("10m").describe("After it the outcome is unclear and the mail is tried again."),
});

const sourceNames = z.union([z.array(networkAddress.or(identifier)), z.literal(false)], {
  error: "must be a list of addresses, or false",
});

/** What a transport may say; absent keys are taken from its group, then from the defaults (settingsOf). */
const transportSettings = {
  retry: OwnRetry.optional().describe("When mail that was put off is tried again."),
  connection: z
    .strictObject({
      server: z
        .union([z.string(), z.array(z.string().min(1)).min(1).max(16)])
        .optional()
        .describe(
          "Host or [address], with :port if need be, or several in order. Absent or empty: the domain's mail exchangers; empty text also where the group names servers.",
        ),
      port: port
        .min(1)
        .optional()
        .meta({ default: 25, description: "Extension. Port for hosts that name none." }),
      sourceip: z
        .strictObject({
          ipv4: sourceNames
            .optional()
            .describe("By IPv4; when it is false, or only the other is a list, hosts are not tried by IPv4."),
          ipv6: sourceNames
            .optional()
            .describe("By IPv6; when it is false, or only the other is a list, hosts are not tried by IPv6."),
        })
        .optional()
        .describe("Addresses to connect from, or their ids in addresses; chosen anew at each attempt."),
      timeout: timeSpan.optional().describe("Extension. How long connecting may take; 30s when absent."),
    })
    .optional()
    .describe("Where and from where connections are opened."),
  session: z
    .strictObject({
      protocol: z.enum(["smtp", "lmtp"]).optional().meta({
        default: "smtp",
        description: "Extension. LMTP (RFC 2033) wants connection.server, which may be the path of a socket.",
      }),
      chunking: z.boolean().optional().meta({
        default: false,
        description:
          "Extension. BDAT in place of DATA where it is offered (RFC 3030), for mail up to 256 KiB.",
      }),
      tls: z
        .strictObject({
          mode: z.enum(tlsModes).optional().meta({
            default: "optional",
            description:
              "Whether mail travels in TLS, and whose certificate is good; dane wants resolver.validating.",
          }),
          mtasts: z.boolean().optional().meta({
            default: false,
            description:
              "Extension. Heed MTA-STS policies of recipients' domains (RFC 8461), on top of the mode.",
          }),
        })
        .optional()
        .describe("TLS on the way out (docs/sending-and-verifying.md)."),
    })
    .optional()
    .describe("How it is spoken over them."),
  objectstore: ObjectStoreConfig.optional().describe(
    "Extension. Mail becomes objects of a store that speaks S3, in place of SMTP; not beside plugin.",
  ),
  plugin: PluginDelivery.optional().describe(
    "Extension. A plugin delivers, in place of SMTP (docs/plugin-abi.md); not beside objectstore.",
  ),
} as const;

export const TransportGroup = z.strictObject({
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
    .describe(
      "Transports of the group; what one does not say is taken from the group, key by key; sourceip as a whole.",
    ),
});
type Group = z.infer<typeof TransportGroup>;
type Connection = NonNullable<Group["connection"]>;
type Session = NonNullable<Group["session"]>;

type Said<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

/** What holds for one transport; connecting takes its usual time where `timeout` is undefined. */
export interface ChosenSettings {
  readonly retry: z.infer<typeof Retry>;
  readonly connection: { readonly port: number } & Pick<Connection, "server" | "sourceip" | "timeout">;
  readonly session: Said<Omit<Session, "tls">> & { readonly tls: Said<NonNullable<Session["tls"]>> };
  readonly objectstore: Group["objectstore"];
  readonly plugin: Group["plugin"];
}

const usualRetry = Retry.parse({});

/** What a transport says itself, else what its group says, else the defaults: key by key. */
export function settingsOf(group: Group, own: Group["transports"][number]): ChosenSettings {
  const [connection, ofGroup] = [own.connection ?? {}, group.connection ?? {}];
  const [session, sessionOfGroup] = [own.session ?? {}, group.session ?? {}];
  return {
    retry: {
      count: own.retry?.count ?? group.retry?.count ?? usualRetry.count,
      intervals: own.retry?.intervals ?? group.retry?.intervals ?? usualRetry.intervals,
    },
    connection: {
      // Empty text is said, too: of a transport whose group names servers.
      server: (connection.server ?? ofGroup.server) || undefined,
      port: connection.port ?? ofGroup.port ?? 25,
      sourceip: connection.sourceip ?? ofGroup.sourceip,
      timeout: connection.timeout ?? ofGroup.timeout,
    },
    session: {
      protocol: session.protocol ?? sessionOfGroup.protocol ?? "smtp",
      chunking: session.chunking ?? sessionOfGroup.chunking ?? false,
      tls: {
        mode: session.tls?.mode ?? sessionOfGroup.tls?.mode ?? "optional",
        mtasts: session.tls?.mtasts ?? sessionOfGroup.tls?.mtasts ?? false,
      },
    },
    ...wayOf([own, group]),
  };
}

/** Where mail goes in place of SMTP: whoever says one of both first has said all of it. */
function wayOf(
  said: readonly Pick<Group, "objectstore" | "plugin">[],
): Pick<ChosenSettings, "objectstore" | "plugin"> {
  const { objectstore, plugin } = said.find((one) => one.objectstore ?? one.plugin) ?? {};
  return { objectstore, plugin };
}
