/**
 * From spec to the engine's files (pure). They are checked with the engine's own parser before anybody sees
 * them: what is wrong comes back as problems with file, path and reason, and nothing is rolled out.
 *
 * What the user leaves out is filled in: a server for each listener, its transport, its certificate. What the user
 * says is never overwritten.
 */
import { dump, load } from "js-yaml";

import type { Problem } from "#contract/admin-api.ts";
import { appFile, parseEngineConfig, policyFile, suspendFile } from "#contract/config.ts";
import { paths, ports } from "#contract/runtime.ts";
import { type Listener, containerPort } from "#crds/mail-cluster-traffic.ts";
import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { ResolvedPlugin } from "#operator/plugins/resolve.ts";
import { parseQuantity } from "#operator/slots/quantity.ts";
import type { SpamhausSection } from "#operator/spamhaus/section.ts";

import { shortHash } from "./hash.ts";
import { unreachable, withIdentities } from "./identity-addresses.ts";

export interface RenderedConfig {
  /** Names the files, the image that reads them and those of its plugins: the hash of them all. */
  readonly revision: string;
  /** Null in revisions of early versions: the image is the spec's then. */
  readonly image: string | null;
  /** Images of plugins by their digests, by the name of the plugin; plugins that are not pinned are not in it. */
  readonly pluginImages: ReadonlyMap<string, string>;
  readonly startup: string;
  readonly app: string;
  readonly policy: string;
  readonly suspend: string;
}

/** What engines reload, by the name of the file. They take all of it at once: a file left out of a push is empty. */
export function reloadableFiles({ app, policy, suspend }: RenderedConfig): Readonly<Record<string, string>> {
  return { [appFile]: app, [policyFile]: policy, [suspendFile]: suspend };
}

export type Rendering =
  | { readonly ok: true; readonly config: RenderedConfig }
  | {
      readonly ok: false;
      readonly reason: "Invalid" | "SourceMissing";
      readonly problems: readonly Problem[];
    };

export function renderConfig(input: {
  readonly spec: MailClusterSpec;
  readonly plugins: readonly ResolvedPlugin[];
  /** Text under config.appFrom.key; null when ConfigMap or key are missing or nothing is named. */
  readonly appFromText: string | null;
  /** The part that spec.spamhaus makes, or null. */
  readonly spamhaus: SpamhausSection | null;
  /** Of the engine: a new one is tried out as new files are, and is taken back with them. */
  readonly image: string;
}): Rendering {
  const source = appSource(input.spec, input.appFromText);
  if (!source.ok) return source;
  if (input.spec.spamhaus !== undefined && source.value["spamhaus"] !== undefined) return saidTwice;
  const startup = dump(startupValue(input.spec, input.plugins), yamlStyle);
  const given = withIdentities(source.value, input.spec.identities);
  const value = input.spamhaus === null ? given : { ...given, spamhaus: input.spamhaus };
  const app = dump(completeApp(value, input.spec.listeners, input.plugins), yamlStyle);
  const { policy, suspend } = rulesOf(input.spec);
  const files = { startup, app, policy, suspend };
  const parsed = parseEngineConfig(files);
  const problems = [
    ...unreachable(source.value, input.spec.identities),
    ...(parsed.ok ? [] : parsed.problems),
  ];
  if (problems.length > 0) return { ok: false, reason: "Invalid", problems };
  const { image } = input;
  const pluginImages = pinnedImages(input.plugins);
  // Revisions without pinned plugins are named as they always were: an upgrade of the operator makes none anew.
  const pinned = pluginImages.size === 0 ? [] : [JSON.stringify([...pluginImages])];
  const revision = shortHash([...Object.values(files), image, ...pinned].join("\0"));
  return { ok: true, config: { revision, image, pluginImages, ...files } };
}

/** By name, so that another order of the list is told by the files alone. */
function pinnedImages(plugins: readonly ResolvedPlugin[]): ReadonlyMap<string, string> {
  const entries = plugins.flatMap(({ name, pinned }): [string, string][] =>
    pinned === null ? [] : [[name, pinned]],
  );
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The files are always there, so that the first rule of a cluster changes none that only a restart can change. */
function rulesOf({ config }: MailClusterSpec): { readonly policy: string; readonly suspend: string } {
  return { policy: dump(config.policy ?? {}, yamlStyle), suspend: dump(config.suspend ?? {}, yamlStyle) };
}

const saidTwice: Rendering & { ok: false } = {
  ok: false,
  reason: "Invalid",
  problems: [
    { file: appFile, path: "spamhaus", reason: "spec.spamhaus makes this part: leave one of the two out" },
  ],
};

/** IPv4 only: a kernel without IPv6 refuses to listen on "::". */
const anyAddress = "0.0.0.0";

const yamlStyle = { noRefs: true, lineWidth: -1, sortKeys: false } as const;

type Source = { readonly ok: true; readonly value: Record<string, unknown> } | (Rendering & { ok: false });

function appSource({ config }: MailClusterSpec, text: string | null): Source {
  if (config.app !== undefined) return { ok: true, value: config.app };
  if (text === null) {
    const { name, key } = config.appFrom ?? { name: "", key: appFile };
    const reason = `there is no ConfigMap "${name}" with the key "${key}"`;
    return { ok: false, reason: "SourceMissing", problems: [{ file: appFile, path: "", reason }] };
  }
  const invalid = (reason: string): Source => ({
    ok: false,
    reason: "Invalid",
    problems: [{ file: appFile, path: "", reason }],
  });
  try {
    const value = load(text);
    return isMap(value) ? { ok: true, value } : invalid("must hold keys");
  } catch (error) {
    return invalid(`is not YAML: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
  }
}

function startupValue(spec: MailClusterSpec, plugins: readonly ResolvedPlugin[]): Record<string, unknown> {
  const { startup } = spec.config;
  return {
    servers: spec.listeners.map(({ name, port, proxyProtocol }) => ({
      id: name,
      type: "smtp",
      ...(proxyProtocol ? { proxyprotocol: true } : {}),
      listeners: [{ port: containerPort(port), address: anyAddress }],
    })),
    environment: {
      appconf: appFile,
      policyconf: policyFile,
      suspendconf: suspendFile,
      ...(startup.hostname === undefined ? {} : { hostname: startup.hostname }),
      loglevel: startup.logLevel,
    },
    spool: {
      path: paths.spool,
      minfree: {
        bytes: Math.round(parseQuantity(startup.minFree.size) ?? 0),
        inodes: startup.minFree.inodes,
      },
    },
    monitor: { listener: { port: ports.monitor, address: anyAddress } },
    admin: {
      listener: { port: ports.admin, address: anyAddress },
      tokenfile: paths.adminToken,
      tls: adminTls,
    },
    pki: {
      private: spec.listeners.flatMap(({ name, tls }) =>
        tls === undefined
          ? []
          : [{ id: name, cert: `${tlsFolder(name)}/tls.crt`, key: `${tlsFolder(name)}/tls.key` }],
      ),
    },
    plugins: plugins.map(({ id, path, config }) => ({ id, path, ...(config === null ? {} : { config }) })),
    ...foreignFunctions(startup),
    shutdown: { timeout: startup.shutdownSeconds },
  };
}

/** Never without a list: here whoever writes scripts is not always whoever runs the cluster. */
function foreignFunctions({ ffiLibraries = [] }: MailClusterSpec["config"]["startup"]): object {
  return ffiLibraries.length === 0 ? {} : { scripting: { ffi: true, ffilibraries: ffiLibraries } };
}

/** Where the certificate of a listener is mounted. */
export function tlsFolder(listener: string): string {
  return `${paths.tls}/${listener}`;
}

const adminFolder = paths.adminToken.slice(0, paths.adminToken.lastIndexOf("/"));
/** The authority lets engines of the cluster know each other when they hand over mail. */
const adminTls = {
  cert: `${adminFolder}/tls.crt`,
  key: `${adminFolder}/tls.key`,
  clientca: `${adminFolder}/ca.crt`,
} as const;

function completeApp(
  app: Readonly<Record<string, unknown>>,
  listeners: readonly Listener[],
  plugins: readonly ResolvedPlugin[],
): Record<string, unknown> {
  const appConfigs = plugins.flatMap(({ id, appConfig }) =>
    appConfig === null ? [] : [{ id, config: appConfig }],
  );
  return {
    ...app,
    servers: completeServers(app, listeners),
    ...(appConfigs.length === 0 ? {} : { plugins: [...listOf(app["plugins"]), ...appConfigs] }),
  };
}

/** The user's servers with what is missing in them, then one for each listener that none speaks of. */
function completeServers(app: Readonly<Record<string, unknown>>, listeners: readonly Listener[]): unknown {
  const { servers } = app;
  if (servers !== undefined && !Array.isArray(servers)) return servers;
  const transport = firstTransport(app);
  const given: readonly unknown[] = servers ?? [];
  const complete = (server: unknown): unknown => {
    const listener = isMap(server) ? listeners.find(({ name }) => name === server["id"]) : undefined;
    return isMap(server) && listener !== undefined ? { ...defaults(listener, transport), ...server } : server;
  };
  const missing = listeners.filter(
    ({ name }) => !given.some((server) => isMap(server) && server["id"] === name),
  );
  return [...given.map(complete), ...missing.map((listener) => defaults(listener, transport))];
}

function defaults({ name, tls }: Listener, transport: string | null): Record<string, unknown> {
  return {
    id: name,
    ...(transport === null ? {} : { transport }),
    ...(tls === undefined ? {} : { tls: { implicit: tls.mode === "Implicit", certs: [{ cert: name }] } }),
  };
}

function firstTransport(app: Readonly<Record<string, unknown>>): string | null {
  const group = listOf(app["transportgroups"])[0];
  const transport = isMap(group) ? listOf(group["transports"])[0] : undefined;
  return isMap(transport) && typeof transport["id"] === "string" ? transport["id"] : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
