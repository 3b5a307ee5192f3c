/**
 * The engine: the one file that knows every room. `start` builds them from the inside out (spool, queue, intake,
 * sessions) and opens what the outside reaches (`faces.ts`), the door to clients last; `shutdown.ts` ends them in the opposite order.
 *
 * Start rejects with a Failure that names what could not be had; what was opened before is closed again.
 */
import { join } from "node:path";

import type { EngineStatus } from "#contract/admin-api.ts";
import type { EngineConfig } from "#contract/config.ts";

import { EngineAdministration } from "./administration.ts";
import { sharePlace } from "../config/shares.ts";
import type { Settings } from "../config/settings.ts";
import type { SmtpCourier } from "../delivery/smtp-courier.ts";
import type { Feedback } from "../feedback/feedback.ts";
import { Events } from "../events/events.ts";
import { noScripts } from "../hooks/scripts.ts";
import { type FrontDoor, makeFrontDoor } from "./front-door.ts";
import { Faces, faceOptions } from "./faces.ts";
import type { InjectionOptions } from "./injection.ts";
import { makeFeedback } from "./make-feedback.ts";
import { MailQueue } from "./mail-queue.ts";
import { PluginLife } from "./plugin-life.ts";
import { type Outbound, makeOutbound } from "./outbound.ts";
import type { Queue } from "../queue/queue.ts";
import { LiveStage } from "./live-stage.ts";
import type { MtaOptions } from "./mta-options.ts";
import { peerKeys } from "./peer-keys.ts";
import { prepareSettings } from "./prepare-settings.ts";
import { ScriptLife } from "./script-life.ts";
import { RuleAdministration } from "./rule-administration.ts";
import { makeSessionCounters } from "../session/counters.ts";
import { RecentClients } from "../session/recent-clients.ts";
import { LoginGuard } from "../session/login-guard.ts";
import type { SmtpServer } from "../session/smtp-server.ts";
import { Shutdown } from "./shutdown.ts";
import { SubmissionFaces } from "./submission-faces.ts";
import { Spamhaus } from "../spamhaus/spamhaus.ts";
import { DiskSpool } from "../spool/disk-spool.ts";
import { diskFiles } from "../spool/files.ts";
import { takeLock } from "../spool/lock.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { Tracer } from "../trace/tracer.ts";
import { Transfer } from "../transfer/transfer.ts";
import { version } from "../version.ts";

export class Mta {
  readonly options: MtaOptions;
  readonly sessionCounters = makeSessionCounters();
  readonly recentClients = new RecentClients();
  readonly #traces: Tracer;
  readonly #telemetry: Telemetry;
  readonly startedAt: string;
  readonly shutdown: Shutdown;
  readonly servers: SmtpServer[] = [];
  readonly spool: DiskSpool;
  readonly queue: Queue;
  readonly transfer: Transfer;
  readonly administration = new EngineAdministration(this);
  readonly rules: RuleAdministration;
  readonly mail: MailQueue;
  readonly #feedback: Feedback;
  readonly spamhaus: Spamhaus;
  readonly plugins: PluginLife;
  /** Ports in use, by server id; for HTTP faces "monitor" and "admin". */
  readonly ports = new Map<string, number>();
  state: EngineStatus["state"] = "Serving";
  #settings: Settings;
  #isOpen = false;
  readonly #door: FrontDoor;
  readonly #scripts: ScriptLife;
  readonly #events: Events;
  readonly #injection: InjectionOptions<Settings>;
  readonly #submissions: SubmissionFaces;
  readonly #faces: Faces;
  readonly #outbound: Outbound;

  private constructor(
    options: MtaOptions,
    parts: { settings: Settings; spool: DiskSpool; shutdown: Shutdown },
  ) {
    const { clock, log, random } = options;
    this.options = options;
    this.#traces = new Tracer({ clock, random });
    this.startedAt = new Date(clock.now()).toISOString();
    this.#settings = parts.settings;
    this.spool = parts.spool;
    this.shutdown = parts.shutdown;
    this.spamhaus = new Spamhaus({ clock, log });
    const folder = join(options.config.current.startup.spool.path, "events");
    this.#telemetry = new Telemetry({ clock, log, version, instance: () => this.#settings.hostname });
    this.shutdown.add("telemetry", () => this.#telemetry.close());
    const { traceparent } = this.#telemetry;
    this.#events = new Events({ folder, clock, log, traceparent });
    this.shutdown.add("events", () => this.#events.close());
    const read = (id: string): ReturnType<DiskSpool["read"]> => this.spool.read(id);
    const outbound = makeOutbound({
      clock,
      random,
      read,
      traces: this.#traces,
      log,
      intake: () => this.#door.intake,
      startup: options.config.current.startup,
      hostname: parts.settings.hostname,
      systemHostname: options.systemHostname,
      settings: () => this.#settings,
    });
    this.shutdown.add("outbound", () => outbound.close());
    this.#outbound = outbound;
    this.#feedback = makeFeedback({ clock, log, events: this.#events, mail: () => this.mail });
    const door = makeFrontDoor({
      feedback: this.#feedback,
      clock,
      log,
      spool: this.spool,
      resolver: outbound.resolver,
      settings: () => this.#settings,
      reserve: (envelope) => this.queue.quotas.reserve(envelope),
      enqueue: (message) => {
        this.queue.add(message);
        this.#events.received(message);
        this.#telemetry.received(message);
      },
    });
    this.#door = door;
    this.#scripts = new ScriptLife({
      clock,
      random,
      log,
      resolver: outbound.resolver,
      tlsRules: outbound.tlsRules,
      intake: door.intake,
      settings: () => this.#settings,
      spamhaus: this.spamhaus,
      engine: { queue: () => this.queue, config: options.config, servers: this.servers },
      plugins: () => this.plugins,
    });
    const stage = new LiveStage({
      clock,
      random,
      config: options.config,
      prepare: async (config) =>
        prepareSettings(config, options.systemHostname, (await this.#scripts.prepare(config)).scripts),
    });
    this.#injection = {
      door,
      runner: this.#scripts.runner,
      settings: () => this.#settings,
      accepting: () => this.accepting,
      figures: { committing: 0 },
    };
    this.#submissions = new SubmissionFaces(faceOptions(this), this.#injection);
    this.plugins = new PluginLife({ ...this.#injection, queue: () => this.queue, read, clock, log });
    const courier = this.#scripts.courierBefore(
      this.plugins.courierBefore(this.#feedback.courierBefore(outbound.courier)),
      read,
    );
    this.mail = new MailQueue({
      startup: options.config.current.startup,
      spool: this.spool,
      courier: this.#telemetry.courierBefore(courier),
      doorkeeper: this.plugins.doorkeeper,
      intake: door.intake,
      events: this.#events,
      locator: outbound.locator,
      clock,
      log,
      random,
      settings: () => this.#settings,
      holds: (address) => options.config.pushedFolder === null || address === options.identity,
    });
    this.queue = this.mail.queue;
    const { startup } = options.config.current;
    this.rules = new RuleAdministration(this.queue, {
      clock,
      place: sharePlace(startup.spool.path, options.config.pushedFolder),
      samplesOf: (id) => this.#traces.samplesOf(id),
    });
    this.transfer = new Transfer({
      ledgerPath: join(startup.spool.path, "handover.db"),
      queue: this.queue,
      spool: this.spool,
      clock,
      log,
      // One that is fenced says so by itself (mail-store.ts).
      isOpen: () => this.state === "Serving" || this.state === "Fenced",
      keys: peerKeys(startup.admin),
    });
    this.#faces = new Faces(this, {
      settings: () => this.#settings,
      door,
      scripts: this.#scripts,
      stage,
      events: this.#events,
      telemetry: this.#telemetry,
      traces: this.#traces,
      loginGuard: new LoginGuard(clock),
      outbound,
      submissions: this.#submissions,
    });
  }

  static async start(options: MtaOptions): Promise<Mta> {
    const shutdown = new Shutdown(options.log);
    try {
      return await Mta.#open(options, shutdown);
    } catch (error) {
      await shutdown.run();
      throw error;
    }
  }

  static async #open(options: MtaOptions, shutdown: Shutdown): Promise<Mta> {
    const { clock, log } = options;
    const { startup } = options.config.current;
    const settings = await prepareSettings(options.config.current, options.systemHostname, noScripts);
    const folder = startup.spool.path;
    const files = diskFiles(folder);
    await files.makeFolder("");
    const lock = takeLock(folder);
    shutdown.add("lock", async () => lock.release());
    const spool = await DiskSpool.open({ files, clock, log, floor: startup.spool.minfree });
    shutdown.add("spool", () => spool.close());
    const mta = new Mta(options, { settings, spool, shutdown });
    await mta.#openRooms();
    return mta;
  }

  /** New mail is welcome. */
  get isReady(): boolean {
    return this.#isOpen && this.accepting && this.spool.figures().closedBecause === null;
  }

  /** Runs of scripts that ended with an error. */
  get scriptErrors(): number {
    return Object.values(this.#scripts.figures.errors).reduce((sum, count) => sum + count, 0);
  }

  get accepting(): boolean {
    return this.state === "Serving";
  }

  get courier(): SmtpCourier {
    return this.#outbound.smtp;
  }

  get sessions(): number {
    return this.servers.reduce((sum, server) => sum + server.sessions, this.#injection.figures.committing);
  }

  async #openRooms(): Promise<void> {
    const { config } = this.options;
    const { servers, shutdown } = config.current.startup;
    config.onChange(async (next) => {
      const use = await this.#prepare(next);
      return () => {
        use();
        this.plugins.reload(next);
      };
    });
    this.shutdown.add("spamhaus", async () => this.spamhaus.close());
    await this.#outbound.tlsReporting.start();
    await this.#faces.openMonitor();
    await this.#startPlugins(config.current);
    (await this.#prepare(config.current))();
    this.shutdown.add("transfer", () => this.transfer.close());
    await this.rules.beginShare();
    if (this.spool.isFenced) this.administration.startFenced();
    await this.transfer.queueAll(this.spool.recover());
    this.shutdown.add("courier", () => this.mail.close(shutdown.timeout));
    await this.#faces.openAdmin();
    this.shutdown.add("breakpoints", async () => this.#scripts.breakpoints.close());
    this.shutdown.add("traces", async () => this.#traces.close());
    for (const server of servers) await this.#faces.openServer(server, shutdown.timeout);
    this.shutdown.add("plugins", () => this.plugins.earlyCleanup());
    this.plugins.ready();
    this.#isOpen = true;
  }

  /** Plugins may make lists before the policies that name them are read, and are there before the first attempt. */
  async #startPlugins(config: EngineConfig): Promise<void> {
    this.shutdown.add("plugins", () => this.plugins.cleanup());
    await this.plugins.load(config);
    this.plugins.earlyInit();
    this.mail.applyRules(config);
    this.plugins.init();
  }

  /** Makes what a configuration needs; what comes back puts it in force. Plugins have said what they offer to scripts. */
  async #prepare(config: EngineConfig): Promise<() => void> {
    const { app } = config;
    const { scripts, use: useScripts } = await this.#scripts.prepare(config);
    const settings = await prepareSettings(config, this.options.systemHostname, scripts);
    const useSpamhaus = await this.spamhaus.prepare(app.spamhaus, app.resolver.servers);
    const useFeedback = await this.#feedback.prepare(app.feedback);
    const useEvents = await this.#events.prepare(app.events);
    const useTelemetry = await this.#telemetry.prepare(app.opentelemetry);
    const useAuthentication = await this.#door.authentication.prepare(app.authentication);
    return () => {
      this.#settings = settings;
      useScripts();
      useSpamhaus();
      useAuthentication();
      this.#traces.configure(app.traces);
      void useEvents();
      useFeedback();
      void useTelemetry();
      this.mail.applyRules(config);
    };
  }
}
