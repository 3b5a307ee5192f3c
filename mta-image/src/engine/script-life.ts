/**
 * Scripts in the life of the engine: compiled when a configuration is read, with the functions that plugins and other rooms
 * offer at that moment, and in force when it is. `prepare` rejects with a ConfigFailure that names every mistake with file,
 * line and column (not at the start: see #begin); until `use` is called, the scripts before go on. Sessions keep what they began with.
 */
import { isIP } from "node:net";
import { constants } from "node:os";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { EngineConfig } from "#contract/config.ts";

import type { LiveConfig } from "../config/live-config.ts";
import type { Settings } from "../config/settings.ts";
import { sourceSettings } from "../config/source-addresses.ts";
import { HookedCourier } from "../delivery/hooked-courier.ts";
import type { TlsRules } from "../delivery/tls-rules.ts";
import { type HookFigures, makeHookFigures } from "../hooks/figures.ts";
import { pluginConfigs } from "../hooks/configured.ts";
import { QueueHooks } from "../hooks/queue-hooks.ts";
import { HookRunner, type HookWorldOptions } from "../hooks/runner.ts";
import type { ScriptHostParts } from "../hooks/script-host.ts";
import { type Scripts, noScripts } from "../hooks/scripts.ts";
import type { Intake } from "../intake/intake.ts";
import { Breakpoints } from "./breakpoints.ts";
import { connectionsOf } from "./open-servers.ts";
import { pluginResources } from "./plugin-resources.ts";
import { type NativeAddon, type Wire, addonBesideEngine, loadNative } from "../plugins/native.ts";
import { decode, encode } from "../plugins/values.ts";
import type { Queue } from "../queue/queue.ts";
import type { Courier } from "../queue/courier.ts";
import { compileConfig, compileWhatCanOf, diskBehind } from "./script-config.ts";
import { makeMailPort } from "./script-mail.ts";
import { ScriptFigures } from "../script-ports/metrics.ts";
import { configuredDirectories } from "../script-ports/directories.ts";
import { folderFiles, givenFiles } from "../script-ports/files.ts";
import { configuredKeys } from "../script-ports/keys.ts";
import { type PortParts, makeScriptPorts } from "../script-ports/ports.ts";
import { makeScriptQueue } from "./script-queue.ts";
import { ScriptState } from "./script-state.ts";
import { Refusal } from "../script/error.ts";
import { domainOf } from "../message/envelope.ts";
import type { FilePort, ForeignPort, QueueOrders, SocketPort } from "../script/ports.ts";
import type { SmtpServer } from "../session/smtp-server.ts";
import { spamhausHost } from "../spamhaus/script-functions.ts";
import type { Spamhaus } from "../spamhaus/spamhaus.ts";
import type { Content } from "../spool/spool.ts";

type Offers = Omit<ScriptHostParts, "libraryHost">;

export interface ScriptLifeOptions extends Pick<HookWorldOptions, "clock" | "random" | "log"> {
  readonly resolver: PortParts["resolver"];
  /** What TLS must be like to hosts that scripts speak to. */
  readonly tlsRules: TlsRules;
  /** Where mail goes that scripts make. */
  readonly intake: Intake;
  readonly settings: () => Settings;
  readonly spamhaus: Spamhaus;
  /** What scripts may ask and order of queue and servers. */
  readonly engine: {
    readonly queue: () => Queue;
    readonly config: LiveConfig;
    readonly servers: readonly SmtpServer[];
  };
  readonly plugins: () => {
    /** What plugins offer to scripts; asked whenever scripts are compiled. */
    offers(): Offers;
    /** Files for C functions; undefined: scripts may call none. */
    readonly foreign: ForeignPort | undefined;
  };
}

export class ScriptLife {
  readonly figures: HookFigures = makeHookFigures();
  /** Those that scripts make up. */
  readonly ownFigures = new ScriptFigures();
  readonly runner: HookRunner;
  /** What scripts remember between runs. */
  readonly state: ScriptState;
  readonly breakpoints: Breakpoints;
  readonly #options: ScriptLifeOptions;
  readonly #bind: SocketPort["bound"];
  #scripts: Scripts = noScripts;
  #hasBegun = false;

  constructor(options: ScriptLifeOptions) {
    const { clock, random, log, resolver, settings, intake, tlsRules } = options;
    const hostname = (): string => settings().hostname;
    const servers = (): readonly string[] => settings().resolver.servers;
    this.#bind = boundBy(log);
    this.#options = options;
    this.runner = new HookRunner({
      clock,
      random,
      log,
      figures: this.figures,
      hostname,
      ports: {
        ...makeScriptPorts({
          clock,
          random,
          resolver,
          servers,
          hostname,
          log,
          addresses: () => settings().addresses,
          files: this.#files(),
          keys: configuredKeys(() => options.engine.config.current.startup.pki.private),
          directories: () => configuredDirectories(options.engine.config.current.app.scripting.ldap),
          outbound: {
            transports: () => settings().transports,
            sources: (name) => sourceSettings(options.engine.config.current.app.addresses, [name]),
            bind: this.#bind,
            rules: tlsRules,
          },
        }),
        mail: makeMailPort(intake, clock),
        queue: queueOf(options.engine),
        metrics: this.ownFigures,
        sockets: { bound: this.#bind },
        foreign: foreignOf(options),
      },
      hasTransport: (id) => settings().transports.has(id),
      peerUid: peerUidBy(log),
    });
    this.breakpoints = new Breakpoints({ clock, log, again: () => options.engine.config.again() });
    this.state = new ScriptState(this.runner.world({}).shared, log);
  }

  /** The courier with scripts around its attempts. */
  courierBefore(inner: Courier, read: (id: string) => Promise<Content>): Courier {
    const { settings, clock } = this.#options;
    return new HookedCourier({
      inner,
      read,
      hooks: new QueueHooks(() => this.#scripts, this.runner),
      clock,
      sourceAddress: (name) => settings().addresses.get(name) ?? (isIP(name) === 0 ? null : name),
      bind: this.#bind,
      addressId: (ip) => [...settings().addresses].find(([, address]) => address === ip)?.[0] ?? null,
      scheduleOf: ({ recipient, ...names }, source) =>
        this.#options.engine.queue().scheduleFor({ ...names, domain: domainOf(recipient) }, source),
      plugins: {
        order: (id, args) => ({ id, args: encode(args, pluginResources), timeoutMs: PLUGIN_MS }),
        value: (wire) =>
          decode(wire as Wire, { resources: pluginResources, makeObject: () => null, self: null }),
      },
    });
  }

  async prepare({
    app,
    startup,
  }: EngineConfig): Promise<{ readonly scripts: Scripts; readonly use: () => void }> {
    const { plugins, spamhaus } = this.#options;
    const { pluginHosts = [], ...others } = plugins().offers();
    const { probe } = this.breakpoints;
    const all = {
      ...others,
      probe,
      pluginHosts: [spamhausHost(spamhaus), ...pluginHosts],
      pluginConfigs: pluginConfigs("smtpd.yaml", startup.plugins),
      ...diskBehind(startup),
    };
    const scripts = this.#hasBegun ? await compileConfig(app, all) : await this.#begin(app, all);
    return {
      scripts,
      use: () => {
        this.#hasBegun = true;
        this.#scripts = scripts;
      },
    };
  }

  /**
   * An engine that starts has no scripts to go on with: it comes up, defers the mail that a broken script would have
   * decided on, and says so.
   */
  async #begin(app: EngineConfig["app"], offers: Parameters<typeof compileWhatCanOf>[1]): Promise<Scripts> {
    const { scripts, problems } = await compileWhatCanOf(app, offers);
    if (problems.length === 0) return scripts;
    const { log, engine } = this.#options;
    engine.config.startBroken(problems);
    log.error({ problems: engine.config.problems }, "scripts-broken");
    return scripts;
  }

  /** Files of the configuration in force; those on disk are open to scripts below the root path alone. */
  #files(): FilePort {
    const { rootpath } = this.#options.engine.config.current.startup.scripting;
    const behind = rootpath === undefined ? { open: () => null } : folderFiles(rootpath);
    return { open: (path) => givenFiles(this.#scripts.files, behind).open(path) };
  }
}

/** By the addon, which is loaded when the first script asks; without it nobody knows, and the log says so once. */
function peerUidBy(log: Log): (descriptor: number) => number | null {
  let ask: NativeAddon["peerUid"] | undefined;
  return (descriptor) => {
    ask ??= peerUidOfAddon(log);
    return ask(descriptor);
  };
}

function peerUidOfAddon(log: Log): NativeAddon["peerUid"] {
  try {
    return loadNative(addonBesideEngine()).peerUid;
  } catch (error) {
    log.warn({ error: describe(error) }, "remoteuid-unknown");
    return () => null;
  }
}

/** By the addon as well; without it such sockets are not supported, and the log says so. */
function boundBy(log: Log): SocketPort["bound"] {
  return (...wanted) => {
    try {
      return loadNative(addonBesideEngine()).boundSocket(...wanted);
    } catch (error) {
      log.warn({ error: describe(error) }, "nonlocal-unknown");
      return -constants.errno.ENOTSUP;
    }
  };
}

/** Plugins and libraries are opened after the scripts' world is made. */
function foreignOf({ plugins }: ScriptLifeOptions): ForeignPort {
  const port = (): ForeignPort => {
    const { foreign } = plugins();
    if (foreign === undefined) throw new Refusal("C functions are not allowed here");
    return foreign;
  };
  return {
    file: (bytes) => port().file(bytes),
    certificate: (der) => port().certificate(der),
    descriptor: (number) => port().descriptor(number),
  };
}

function queueOf({ queue, config, servers }: ScriptLifeOptions["engine"]): QueueOrders {
  return makeScriptQueue({
    rules: () => queue().rules,
    algorithm: () => config.current.policy.rate.algorithm,
    quota: (name) => quotaOf(queue(), name),
    connections: (id, address) => connectionsOf(servers, id, address),
  });
}

function quotaOf(queue: Queue, name: string): ReturnType<QueueOrders["quota"]> {
  const count = queue.quotas.usedBy(name);
  return count === null ? queue.quotas.named.usedBy(name) : { count, bytes: null };
}

/** After it the outcome of a plugin that a script chose is unclear: the same as for transports. */
const PLUGIN_MS = 600_000;
