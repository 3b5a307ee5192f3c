/**
 * Configuration to the settings that each room wants (pure). Rooms never see configuration keys, so a key can
 * be renamed here alone.
 */
import type { SecureContext } from "node:tls";

import type { AppConfig, EngineConfig } from "#contract/config.ts";
import { Retry, settingsOf } from "#contract/transport-config.ts";

import type { ReportSender } from "../delivery/tls-report-sender.ts";
import type { ObjectStoreSettings } from "../delivery/object-store/settings.ts";
import { type TransportSettings, defaultTransport } from "../delivery/transport.ts";
import { makeSchedule } from "./retry-rules.ts";
import { transportSources } from "./source-addresses.ts";
import type { PluginOrder } from "../queue/courier.ts";
import type { RetrySchedule } from "../queue/retry.ts";
import { makeNetworks } from "../net/networks.ts";
import { makeAccessRules } from "../session/access.ts";
import type { Credentials } from "../session/credentials.ts";
import type { SessionSettings } from "../session/options.ts";

type Group = AppConfig["transportgroups"][number];
type Transport = Group["transports"][number];

/** RFC 5321 4.5.3.1: errors and idle commands a client may make. Postfix's limits are 20 and 100. */
const MAX_ERRORS = 20;
const MAX_IDLE_COMMANDS = 100;

export interface Settings {
  readonly hostname: string;
  /** Received fields that mail of a server may carry, also of one that has no sessions. */
  readonly maxHops: ReadonlyMap<string, number>;
  readonly sessions: ReadonlyMap<string, SessionSettings>;
  readonly limits: ReadonlyMap<string, { readonly connections: number; readonly perIp: number }>;
  readonly transports: ReadonlyMap<string, TransportSettings>;
  readonly schedules: ReadonlyMap<string, RetrySchedule>;
  /** For mail of a transport that is no longer configured. */
  readonly defaultSchedule: RetrySchedule;
  /** Transport that notices about mail of a transport take. */
  readonly noticeTransports: ReadonlyMap<string, string>;
  /** Transports whose mail goes into an object store. */
  readonly objectStores: ReadonlyMap<string, ObjectStoreSettings>;
  /** Transports whose mail a plugin delivers. */
  readonly pluginOrders: ReadonlyMap<string, PluginOrder>;
  /** Source addresses by their names. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Of reports of TLS; null while none are sent. */
  readonly reportSender: ReportSender | null;
  /** Outbound connections. */
  readonly connections: { readonly perDestination: number; readonly total: number };
  readonly resolver: {
    readonly servers: readonly string[];
    readonly cacheSize: number;
    /** Those that are believed about DNSSEC. */
    readonly validating: readonly string[];
  };
}

export function makeSettings(input: {
  readonly config: EngineConfig;
  readonly systemHostname: string;
  /** By id of pki.private. */
  readonly contexts: ReadonlyMap<string, SecureContext>;
  /** By id of the server; none where AUTH is not configured. */
  readonly credentials: ReadonlyMap<string, Credentials>;
  /** By id of the server; none where no script is chosen. */
  readonly hooks: ReadonlyMap<string, NonNullable<SessionSettings["hooks"]>>;
}): Settings {
  const { startup, app } = input.config;
  const hostname = startup.environment.hostname ?? input.systemHostname;
  const transports = app.transportgroups.flatMap((group) =>
    group.transports.map((transport) => ({ group, transport })),
  );
  const { tlsreports } = app;
  return {
    hostname,
    reportSender:
      tlsreports === undefined
        ? null
        : { hostname, from: tlsreports.from ?? `postmaster@${hostname}`, transportId: tlsreports.transport },
    maxHops: new Map(app.servers.map(({ id, phases }) => [id, phases.data.maxhops])),
    sessions: new Map(
      app.servers.map((server) => [
        server.id,
        sessionSettings(server, {
          hostname,
          contexts: input.contexts,
          credentials: input.credentials.get(server.id) ?? null,
          hooks: input.hooks.get(server.id) ?? null,
          ownDomains: app.feedback?.domains ?? [],
          isProxied: startup.servers.some(({ id, proxyprotocol }) => id === server.id && proxyprotocol),
        }),
      ]),
    ),
    limits: new Map(
      app.servers.map(({ id, concurrency }) => [
        id,
        { connections: concurrency.connections, perIp: concurrency.perip },
      ]),
    ),
    transports: new Map(
      transports.map(({ group, transport }) => [transport.id, transportSettings(app, group, transport)]),
    ),
    defaultSchedule,
    schedules: new Map(transports.map(({ group, transport }) => [transport.id, schedule(group, transport)])),
    noticeTransports: new Map(
      transports.map(({ group, transport }) => [transport.id, group.dsn?.transport ?? transport.id]),
    ),
    ...otherWays(app, transports),
    addresses: new Map(app.addresses.map(({ id, address }) => [id, address])),
    connections: { perDestination: app.queues.concurrency, total: app.queues.pooling.size },
    resolver: {
      servers: app.resolver.servers,
      cacheSize: app.resolver.cache.size,
      validating: app.resolver.validating,
    },
  };
}

/** Transports whose mail does not leave by SMTP. */
function otherWays(
  app: AppConfig,
  transports: readonly { readonly group: Group; readonly transport: Transport }[],
): Pick<Settings, "objectStores" | "pluginOrders"> {
  return {
    objectStores: new Map(
      transports.flatMap(({ group, transport }) => {
        const { objectstore: store } = settingsOf(group, transport);
        return store === undefined ? [] : [[transport.id, objectStore(app, store)]];
      }),
    ),
    pluginOrders: new Map(
      transports.flatMap(({ group, transport }) => {
        const { plugin } = settingsOf(group, transport);
        if (plugin === undefined) return [];
        return [[transport.id, { id: plugin.id, args: plugin.arguments, timeoutMs: plugin.timeout }]];
      }),
    ),
  };
}

function sessionSettings(
  server: AppConfig["servers"][number],
  facts: {
    hostname: string;
    contexts: ReadonlyMap<string, SecureContext>;
    credentials: Credentials | null;
    hooks: SessionSettings["hooks"];
    isProxied: boolean;
    /** Domains whose mail is read here. */
    ownDomains: readonly string[];
  },
): SessionSettings {
  const { hostname, contexts, isProxied } = facts;
  const [cert] = server.tls.certs;
  return {
    serverId: server.id,
    hostname: server.hostname ?? hostname,
    transportId: server.transport,
    maxSizeBytes: server.phases.data.maxsize,
    maxHops: server.phases.data.maxhops,
    maxRecipients: server.phases.rcptto.maxrecipients,
    maxErrors: MAX_ERRORS,
    maxIdleCommands: MAX_IDLE_COMMANDS,
    idleTimeoutMs: server.timeout.idle,
    xclientNetworks: server.xclientnetworks.length > 0 ? makeNetworks(server.xclientnetworks) : null,
    proxyNetworks: isProxied ? makeNetworks(server.proxynetworks) : null,
    greetDelayMs: server.phases.connect.greetdelay,
    access: makeAccessRules(server.relaynetworks, [...server.relaydomains, ...facts.ownDomains]),
    tls: cert === undefined ? null : (contexts.get(cert.cert) ?? null),
    implicitTls: server.tls.implicit,
    asksForCertificate: server.tls.clientcerts,
    credentials: facts.credentials,
    hooks: facts.hooks,
    mustLogIn: server.auth?.required ?? false,
  };
}

function transportSettings(app: AppConfig, group: Group, transport: Transport): TransportSettings {
  const { connection, session } = settingsOf(group, transport);
  const { server = null } = connection;
  return {
    ...defaultTransport,
    server: Array.isArray(server) ? server.join(",") : server,
    port: connection.port,
    tlsMode: session.tls.mode,
    mtaSts: session.tls.mtasts,
    isLmtp: session.protocol === "lmtp",
    mayChunk: session.chunking,
    ...transportSources(app.addresses, connection.sourceip),
    timeouts: {
      ...defaultTransport.timeouts,
      ...(connection.timeout === undefined ? {} : { connectMs: connection.timeout }),
    },
    maxConnections: app.queues.concurrency,
    maxTransactions: app.queues.pooling.transactions,
    idleMs: app.queues.pooling.timeout,
  };
}

function objectStore(app: AppConfig, store: NonNullable<Group["objectstore"]>): ObjectStoreSettings {
  const { connectMs, endOfDataMs } = defaultTransport.timeouts;
  return {
    endpoint: store.endpoint,
    bucket: store.bucket,
    region: store.region,
    prefix: store.prefix,
    keyFile: store.accesskeyfile,
    secretFile: store.secretkeyfile,
    tokenFile: store.tokenfile ?? null,
    caFile: store.cafile ?? null,
    partBytes: store.partsize,
    connectMs,
    answerMs: endOfDataMs,
    maxConnections: app.queues.concurrency,
  };
}

/** For mail whose transport the configuration has no more. */
const defaultSchedule = makeSchedule(Retry.parse({}));

function schedule(group: Group, transport: Transport): RetrySchedule {
  return makeSchedule(settingsOf(group, transport).retry);
}
