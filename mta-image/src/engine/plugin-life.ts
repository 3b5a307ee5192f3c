/**
 * The native plugins of an engine, from its configuration to their last call: the one place where `mta.ts` meets them.
 * An engine without plugins has a life without a host, and then nothing here does anything. `load` to `init` throw a
 * Failure that names plugin, file and reason, and the engine must not start; later nothing throws but `command`.
 */
import { join } from "node:path";

import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { EngineConfig } from "#contract/config.ts";
import type { PluginAnswer, PluginState } from "#contract/plugins-api.ts";

import type { Settings } from "../config/settings.ts";
import { type ForeignOffer, openForeign } from "./foreign-functions.ts";
import type { FrontDoor } from "./front-door.ts";
import type { InjectionFigures } from "./injection.ts";
import type { HookRunner } from "../hooks/runner.ts";
import { PluginCourier } from "./plugin-courier.ts";
import { makeDoorkeeper } from "./plugin-doorkeeper.ts";
import { lookAtPlugins } from "./plugin-files.ts";
import { makeInjectPort } from "./plugin-injection.ts";
import { type PluginOrderTargets, takePluginOrders } from "./plugin-orders.ts";
import { readCrashes } from "../plugins/crash-notes.ts";
import { pluginFailure } from "../plugins/error.ts";
import { offerFunctions } from "../plugins/functions.ts";
import type { PluginHost } from "../plugins/host.ts";
import type { LoadedPlugin } from "../plugins/inspect.ts";
import type { NativeRegistration } from "../plugins/native.ts";
import { openPlugins } from "../plugins/open.ts";
import { pluginResources } from "./plugin-resources.ts";
import type { Courier, PluginOrder } from "../queue/courier.ts";
import type { Host } from "../script/host.ts";
import type { ForeignPort } from "../script/ports.ts";
import type { Content } from "../spool/spool.ts";

export interface LifeOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly queue: () => PluginOrderTargets["queue"];
  readonly door: Pick<FrontDoor, "intake" | "scripted">;
  readonly runner: HookRunner;
  readonly settings: () => Settings;
  readonly accepting: () => boolean;
  readonly figures: InjectionFigures;
  readonly read: (id: string) => Promise<Content>;
}

/** A call that holds the event loop for longer is told: clients notice a second. */
const BLOCKED_MS = 1000;
type Algorithm = ReturnType<PluginOrderTargets["algorithm"]>;
const NOTES_FILE = "plugin-crashes.log";

export class PluginLife {
  readonly #options: LifeOptions;
  #host: PluginHost | null = null;
  #foreign: ForeignOffer | null = null;
  #files: readonly PluginState[] = [];
  #crashes: ReadonlyMap<string, number> = new Map();
  #algorithm: Algorithm = "fixedwindow";
  /** Stands at the doors of the queue. */
  readonly doorkeeper = makeDoorkeeper(() => this.#host);

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  /** What delivers by plugins, and leaves all other mail to `smtp`. */
  courierBefore(smtp: Courier): Courier {
    const { settings, read, clock, log } = this.#options;
    const orderOf = (id: string): PluginOrder | undefined => settings().pluginOrders.get(id);
    return new PluginCourier({ smtp, host: () => this.#host, orderOf, read, clock, log });
  }

  /** Files for C functions of scripts; undefined: scripts may call none. */
  get foreign(): ForeignPort | undefined {
    return this.#foreign?.port;
  }

  /** What plugins and libraries give to scripts, as hooks/script-host.ts takes it. */
  offers(): { pluginHosts?: readonly Host[]; modules?: ReadonlyMap<string, Host> } {
    const foreign = this.#foreign === null ? [] : [this.#foreign.host];
    if (this.#host === null) return { pluginHosts: foreign };
    const { global, modules } = offerFunctions(this.#host.registrations, this.#host.calls, pluginResources);
    return { pluginHosts: [global, ...foreign], modules };
  }

  /** Once. Rejects with a Failure when a plugin or the addon cannot be had. */
  async load(config: EngineConfig): Promise<void> {
    const { startup, app, policy } = config;
    this.#algorithm = policy.rate.algorithm;
    const { log, queue } = this.#options;
    this.#host = await openPlugins({
      addonPath: null,
      folder: startup.environment.pluginspath,
      program: "smtpd",
      configured: startup.plugins.map(({ id, path, config: own }) => ({
        id,
        path: path ?? null,
        config: own ?? null,
      })),
      appConfigs: appConfigsOf(config),
      log,
      queue: takePluginOrders({ queue: queue(), log, algorithm: () => this.#algorithm }),
      inject: makeInjectPort(this.#options),
      blockedMs: BLOCKED_MS,
      servers: startup.servers
        .filter(({ type }) => type === "plugin")
        .map(({ id }) => ({ id, maxSizeBytes: maxSizeOf(app, id) })),
    });
    const { ffi, ffilibraries = null } = startup.scripting;
    if (ffi) this.#foreign = await openForeign(ffilibraries);
    if (this.#host === null) return;
    this.#files = await lookAtPlugins(this.#host.plugins);
    await this.#watchCrashes(this.#host, join(startup.spool.path, NOTES_FILE));
  }

  /** Null: no plugins. */
  get host(): PluginHost | null {
    return this.#host;
  }

  earlyInit(): void {
    this.host?.earlyInit();
  }

  init(): void {
    this.host?.init();
  }

  ready(): void {
    this.host?.ready();
  }

  reload(config: EngineConfig): void {
    this.#algorithm = config.policy.rate.algorithm;
    this.host?.reload(appConfigsOf(config));
  }

  async earlyCleanup(): Promise<void> {
    this.host?.earlyCleanup();
  }

  async cleanup(): Promise<void> {
    this.host?.cleanup();
  }

  states(): PluginState[] {
    const { host } = this;
    if (host === null) return [];
    const loaded = new Map(host.plugins.map((plugin) => [plugin.id, plugin]));
    return this.#files.map((file) => this.#stateOf(file, host, loaded.get(file.id)));
  }

  /** Throws a Failure when there is no such plugin, or it takes no commands. */
  command(id: string, args: readonly string[]): PluginAnswer {
    const { host } = this;
    if (host === null) throw pluginFailure("plugin-command", { id, path: "-" }, "there is no such plugin");
    const { ok, text } = host.runCommand(id, args);
    return { ok, text: Buffer.from(text, "latin1").toString("utf8") };
  }

  async #watchCrashes(host: PluginHost, notes: string): Promise<void> {
    this.#crashes = await readCrashes(notes);
    for (const [plugin, count] of this.#crashes) {
      this.#options.log.warn({ plugin, count }, "plugin-has-crashed-before");
    }
    host.keepNotes(notes);
  }

  #stateOf(file: PluginState, host: PluginHost, plugin: LoadedPlugin | undefined): PluginState {
    if (plugin === undefined) return file;
    const { id, inspection, version } = plugin;
    return {
      ...file,
      roles: [...inspection.roles],
      exported: [...inspection.exported],
      functions: (host.registrations.get(id) ?? []).map(nameOf),
      abiVersion: version,
      crashes: this.#crashes.get(id) ?? 0,
      figures: host.figuresOf(plugin),
    };
  }
}

function nameOf({ module, className, name }: NativeRegistration): string {
  const full = className === null ? name : `${className}::${name}`;
  return module ? `module:${full}` : full;
}

function appConfigsOf({ app }: EngineConfig): ReadonlyMap<string, unknown> {
  return new Map(app.plugins.map(({ id, config }) => [id, config]));
}

function maxSizeOf(app: EngineConfig["app"], serverId: string): number {
  return app.servers.find(({ id }) => id === serverId)?.phases.data.maxsize ?? 0;
}
