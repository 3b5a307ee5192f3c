/**
 * The plugins of one engine, from file to last call. Its life, in this order, each step once:
 *   load         each file is judged, opened and its version checked;
 *   earlyInit    before the policies are read, so that they may name lists that plugins make;
 *   init         threads start; then each plugin registers its functions;
 *   ready        the engine serves;
 *   reload       any number of times;
 *   earlyCleanup the engine goes down: plugins stop listening and injecting;
 *   cleanup      threads end; nothing arrives from plugins any more.
 * load to init throw a Failure that names plugin, file and reason, and the engine must not start. From ready on a
 * plugin's misdeeds are logged, counted and survived. One host a process, for plugins cannot be unloaded.
 */
import type { Log } from "#base/log.ts";

import { Calls } from "./calls.ts";
import { Deliveries } from "./delivery.ts";
import { type PluginName, pluginFailure } from "./error.ts";
import { type LoadedPlugin, inspect } from "./inspect.ts";
import type { EventKind, NativeAddon, NativeFigures, NativeRegistration, Program, Wire } from "./native.ts";
import { Payload, giveOrder } from "./orders.ts";
import type { Address, InjectPort, QueuePort } from "./ports.ts";
import { QueueHooks } from "./queue-hooks.ts";

export interface PluginConfig extends PluginName {
  /** plugins[].config of smtpd.yaml, null when absent. */
  readonly config: unknown;
  /** plugins[].config of smtpd-app.yaml, null when absent. */
  readonly appConfig: unknown;
}

export interface HostOptions {
  readonly native: NativeAddon;
  readonly log: Log;
  readonly queue: QueuePort;
  readonly inject: InjectPort;
  /** A call that holds the loop for longer is reported with the plugin's name. */
  readonly blockedMs: number;
  readonly program: Program;
  /** Servers of type plugin and the longest message that each takes. */
  readonly servers: readonly { readonly id: string; readonly maxSizeBytes: number }[];
}

export class PluginHost {
  readonly calls: Calls;
  readonly deliveries: Deliveries;
  readonly hooks: QueueHooks;
  readonly #options: HostOptions;
  readonly #plugins = new Map<string, LoadedPlugin>();
  readonly #registrations = new Map<string, NativeRegistration[]>();

  constructor(options: HostOptions) {
    const { native, servers, blockedMs, program } = options;
    this.#options = options;
    this.calls = new Calls(native);
    this.deliveries = new Deliveries(native);
    this.hooks = new QueueHooks(native, options.log);
    native.bind({
      outcome: this.calls.outcome,
      onResume: (index, thrown, value) => this.calls.resume(index, thrown, value),
      onEvent: (kind, payload) => this.#hear(kind, new Payload(payload)),
      blockedMs,
      program,
    });
    native.setServers(
      servers.map(({ id }) => id),
      servers.map(({ maxSizeBytes }) => maxSizeBytes),
    );
  }

  get plugins(): readonly LoadedPlugin[] {
    return [...this.#plugins.values()];
  }

  /** What each plugin registered for scripts, by plugin id. */
  get registrations(): ReadonlyMap<string, readonly NativeRegistration[]> {
    return this.#registrations;
  }

  async load(configs: readonly PluginConfig[]): Promise<void> {
    for (const config of configs) await this.#load(config);
  }

  earlyInit(): void {
    this.#start("Halon_early_init", ({ index }) => this.#options.native.earlyInit(index));
  }

  init(): void {
    this.#start("Halon_init", ({ index }) => this.#options.native.init(index));
    for (const plugin of this.plugins) this.#register(plugin);
    this.#options.native.drain();
  }

  ready(): void {
    this.#each("ready", ({ index }) => this.#options.native.ready(index));
  }

  /** By plugin id; a plugin that is not in it has no configuration any more. */
  reload(appConfigs: ReadonlyMap<string, unknown>): void {
    this.#each("reload", ({ id, index }) => this.#options.native.reload(index, appConfigs.get(id) ?? null));
  }

  earlyCleanup(): void {
    this.#each("early cleanup", ({ index }) => this.#options.native.earlyCleanup(index));
  }

  cleanup(): void {
    const { native } = this.#options;
    native.emptyObjects();
    this.#each("cleanup", ({ index }) => native.cleanup(index));
    native.close();
  }

  /** An order from the command line; plugins of the 5.6 form get it as one string, "verb:argument". */
  runCommand(id: string, args: readonly string[]): { ok: boolean; text: string } {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined)
      throw pluginFailure("plugin-command", { id, path: "-" }, "there is no such plugin");
    const { native } = this.#options;
    try {
      if (native.exported(plugin.index, "Halon_command_execute")) return native.command(plugin.index, args);
      if (native.exported(plugin.index, "Halon_plugin_command")) {
        return native.plainCommand(plugin.index, args.join(":"));
      }
    } catch (error) {
      throw pluginFailure("plugin-command", plugin, error);
    }
    throw pluginFailure("plugin-command", plugin, "it takes no commands");
  }

  figures(): Map<string, NativeFigures> {
    return new Map(this.plugins.map((plugin) => [plugin.id, this.figuresOf(plugin)]));
  }

  figuresOf({ index }: LoadedPlugin): NativeFigures {
    return this.#options.native.figures(index);
  }

  /** Where the note of a crash is kept for the next process. */
  keepNotes(path: string): void {
    if (!this.#options.native.keepNotes(path)) this.#options.log.warn({ path }, "plugin-notes-not-kept");
  }

  async #load(config: PluginConfig): Promise<void> {
    const { native } = this.#options;
    const { id, path } = config;
    const inspection = await inspect(path, (name) => native.provides(name));
    if (inspection.refusal !== null) throw pluginFailure("plugin-file", config, inspection.refusal);
    const index = this.#open(config, inspection.inPlace);
    const [built, wanted] = native.version(index);
    if (built !== wanted) {
      const reason = `it is built for plugin version ${built}, this is ${wanted}: compile it against this HalonMTA.h`;
      throw pluginFailure("plugin-version", config, reason);
    }
    native.configure(index, config.config, config.appConfig);
    const plugin = { id, path, index, inspection, version: built };
    this.#plugins.set(id, plugin);
    this.hooks.add(plugin);
    this.#options.log.info({ plugin: id, path, roles: inspection.roles }, "plugin-loaded");
    const reason = native.unbound(index);
    if (reason !== "") this.#options.log.warn({ plugin: id, reason }, "plugin-library-incomplete");
  }

  #open(config: PluginConfig, inPlace: boolean): number {
    try {
      return this.#options.native.open(config.id, config.path, inPlace);
    } catch (error) {
      throw pluginFailure("plugin-file", config, error);
    }
  }

  #start(name: string, run: (plugin: LoadedPlugin) => boolean): void {
    for (const plugin of this.plugins) {
      let good: boolean;
      try {
        good = run(plugin);
      } catch (error) {
        throw pluginFailure("plugin-start", plugin, error);
      }
      if (!good)
        throw pluginFailure("plugin-start", plugin, `${name} returned false; its own log may say why`);
    }
    this.#options.native.drain();
  }

  #register(plugin: LoadedPlugin): void {
    try {
      this.#registrations.set(plugin.id, this.#options.native.register(plugin.index));
    } catch (error) {
      throw pluginFailure("plugin-register", plugin, error);
    }
  }

  /** Past the start one plugin's failure must not keep the others from their turn. */
  #each(step: string, run: (plugin: LoadedPlugin) => void): void {
    for (const plugin of this.plugins) {
      try {
        run(plugin);
      } catch (error) {
        this.#options.log.error(
          { plugin: plugin.id, path: plugin.path, step, err: error },
          "plugin-step-failed",
        );
      }
    }
    this.#options.native.drain();
  }

  #hear(kind: EventKind, payload: Payload): void {
    if (giveOrder(kind, payload, this.#options.queue)) return;
    if (kind === "delivered") this.deliveries.finish(payload);
    else if (kind === "inject") this.#inject(payload);
    else this.#report(payload);
  }

  #report(payload: Payload): void {
    const fields = { plugin: payload.text("plugin"), code: payload.text("code"), text: payload.text("text") };
    this.#options.log.error(fields, "plugin-misuse");
  }

  #inject(payload: Payload): void {
    const { inject, native, log } = this.#options;
    const mail = {
      plugin: payload.text("plugin"),
      serverId: payload.text("server"),
      sender: payload.value("sender") === null ? null : addressOf(payload.inner("sender")),
      recipients: payload.items("recipients").map((wire: Wire) => addressOf(new Payload(wire))),
      metadata: payload.value("metadata"),
      message: Buffer.from(payload.text("message"), "latin1"),
    };
    const token = payload.number("token");
    inject.inject(mail).then(
      (code) => native.answerInjection(token, code),
      (error: unknown) => {
        log.error({ plugin: mail.plugin, err: error }, "plugin-injection-failed");
        native.answerInjection(token, TRY_LATER);
      },
    );
  }
}

/** RFC 5321 4.2.3: local error in processing. Plugins keep the mail and come again. */
const TRY_LATER = 451;

function addressOf(payload: Payload): Address {
  return { localpart: payload.text("localpart"), domain: payload.maybe("domain") };
}
