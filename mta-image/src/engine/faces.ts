/**
 * What the outside reaches of one engine: servers that take mail, the monitor, and the admin API. Each is ended with the engine.
 * Rejects with a Failure that names the address or the file that cannot be used.
 */
import type { Registry } from "prom-client";

import type { EngineConfig } from "#contract/config.ts";

import { makeMetrics } from "../admin/metrics.ts";
import type { openAdmin } from "../admin/open-admin.ts";
import type { Settings } from "../config/settings.ts";
import type { Events } from "../events/events.ts";
import type { LoginGuard } from "../session/login-guard.ts";
import type { SessionNeighbours } from "../session/options.ts";
import type { RecentClients } from "../session/recent-clients.ts";
import type { SmtpServer } from "../session/smtp-server.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { FrontDoor } from "./front-door.ts";
import { type FaceOptions, openAdminFace, openMonitorFace } from "./http-faces.ts";
import { InsightAdministration } from "./insight-administration.ts";
import type { LiveStage } from "./live-stage.ts";
import type { MailQueue } from "./mail-queue.ts";
import { type Counted, metricSources } from "./metric-sources.ts";
import type { MtaOptions } from "./mta-options.ts";
import { openServer } from "./open-servers.ts";
import type { Outbound } from "./outbound.ts";
import { certificateEnds } from "./prepare-settings.ts";
import type { ScriptLife } from "./script-life.ts";
import type { Shutdown } from "./shutdown.ts";
import type { SubmissionFaces } from "./submission-faces.ts";

type AdminRooms = Parameters<typeof openAdmin>[1];

/** The engine as far as its faces show it or ask it. */
export interface FacedEngine extends Counted {
  readonly options: MtaOptions;
  readonly shutdown: Shutdown;
  readonly ports: Map<string, number>;
  readonly servers: SmtpServer[];
  readonly recentClients: RecentClients;
  readonly accepting: boolean;
  readonly administration: AdminRooms["administration"];
  readonly rules: AdminRooms["rules"];
  readonly mail: MailQueue;
  readonly plugins: Counted["plugins"] & AdminRooms["plugins"];
  readonly transfer: Counted["transfer"] & { readonly receiver: AdminRooms["transfer"] };
}

/** Rooms of the engine that nobody else knows. */
export interface InnerRooms {
  readonly settings: () => Settings;
  readonly door: FrontDoor;
  readonly scripts: ScriptLife;
  readonly stage: LiveStage;
  readonly events: Events;
  readonly telemetry: Telemetry;
  readonly traces: Tracer;
  readonly loginGuard: LoginGuard;
  readonly outbound: Outbound;
  readonly submissions: SubmissionFaces;
}

export function faceOptions({
  options: { config, clock, log },
  shutdown,
  ports,
}: Pick<FacedEngine, "options" | "shutdown" | "ports">): FaceOptions {
  return { config, shutdown, ports, clock, log };
}

export class Faces {
  readonly #engine: FacedEngine;
  readonly #rooms: InnerRooms;
  #metrics: Registry | null = null;

  constructor(engine: FacedEngine, rooms: InnerRooms) {
    this.#engine = engine;
    this.#rooms = rooms;
  }

  async openMonitor(): Promise<void> {
    const [engine, { scripts, door, events, settings }] = [this.#engine, this.#rooms];
    const registry = makeMetrics(
      metricSources(engine, {
        bounces: engine.mail.watch.log.classes,
        hooks: scripts.figures,
        authentication: door.authentication.counters,
        events: () => events.figures(),
        certificates: () => certificateEnds(settings()),
        spoolFloorBytes: engine.options.config.current.startup.spool.minfree.bytes,
      }),
    );
    this.#metrics = registry;
    await openMonitorFace(faceOptions(engine), {
      isReady: () => engine.isReady,
      // A closed spool opens again only by a restart; a full disk does not need one.
      isHealthy: () => engine.spool.figures().closedBecause !== "spool-broken",
      metrics: async () => (await registry.metrics()) + scripts.ownFigures.text(),
    });
  }

  openAdmin(): Promise<void> {
    const [engine, { scripts, stage, outbound, traces, settings }] = [this.#engine, this.#rooms];
    const { queue, spool, options, mail, administration, rules, spamhaus, plugins } = engine;
    return openAdminFace(faceOptions(engine), {
      ...{ administration, rules, spamhaus, plugins, stage, traces },
      transfer: engine.transfer.receiver,
      insight: new InsightAdministration({
        queue,
        spool,
        outcomes: mail.watch.log,
        clock: options.clock,
        config: options.config,
        hasTransport: (id) => settings().transports.has(id),
        metrics: () => this.#metrics,
        warmUp: () => mail.warmUp(),
      }),
      suppression: mail,
      tlsReports: outbound.tlsReports,
      scripts: scripts.state,
      breakpoints: scripts.breakpoints,
    });
  }

  openServer(server: EngineConfig["startup"]["servers"][number], patienceMs: number): Promise<void> {
    const { settings, stage, submissions } = this.#rooms;
    if (server.type === "http") return submissions.open(server);
    const { options, servers, ports, shutdown } = this.#engine;
    return openServer(server, {
      near: this.#neighbours(),
      settings,
      staged: (id, ip) => stage.settingsFor(id, ip),
      log: options.log,
      onOpen: (smtp) => {
        servers.push(smtp);
        ports.set(server.id, smtp.port);
        shutdown.add("sessions", () => smtp.close(patienceMs));
      },
    });
  }

  #neighbours(): SessionNeighbours {
    const [engine, { door, loginGuard, traces, telemetry, scripts }] = [this.#engine, this.#rooms];
    const { clock, log } = engine.options;
    return {
      doorOf: (maxHops, mayRelay) => door.forSession(maxHops, mayRelay),
      clock,
      log,
      counters: engine.sessionCounters,
      recentClients: engine.recentClients,
      loginGuard,
      traces,
      sessionEnded: (session) => telemetry.sessionEnded(session),
      checks: engine.spamhaus.checks,
      hookRunner: scripts.runner,
      accepting: () => engine.accepting,
    };
  }
}
