/**
 * A whole engine in this process, in a temp folder and on free ports: real files, real sockets. `startEngine`
 * rejects with what kept it from starting. `stop` ends it in order; `folder` outlives it when it was handed in, so
 * that the next engine finds the same spool.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock } from "#base/clock.ts";
import { type Log, silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { LiveConfig } from "#mta/config/live-config.ts";
import { Mta } from "#mta/engine/mta.ts";

export interface EngineOptions {
  readonly folder?: string;
  /** "host:port" that all mail goes to. */
  readonly server: string;
  /** Further keys of the server in smtpd-app.yaml. */
  readonly appServer?: Readonly<Record<string, unknown>>;
  /** Further keys of the transport group. */
  readonly group?: Readonly<Record<string, unknown>>;
  /** Further transport groups, behind the one of `server`. */
  readonly more?: readonly Readonly<Record<string, unknown>>[];
  /** Further keys of smtpd-app.yaml. */
  readonly app?: Readonly<Record<string, unknown>>;
  /** Of the exclusive addresses the one that is its own. */
  readonly identity?: string;
  /** Further keys of smtpd.yaml. */
  readonly startup?: Readonly<Record<string, unknown>>;
  /** The system's when absent. */
  readonly clock?: Clock;
  /** Nobody's when absent. */
  readonly log?: Log;
}

export interface Engine {
  readonly mta: Mta;
  readonly folder: string;
  readonly smtpPort: number;
  readonly monitorUrl: string;
  readonly adminUrl: string;
  readonly token: string;
  /** Calls the admin API with the token; the answer's status and JSON. */
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }>;
  stop(): Promise<void>;
}

const TOKEN = "a-token-for-tests";

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "engine-"));
  writeConfig(folder, options);
  const places = { startupPath: join(folder, "smtpd.yaml"), pushedFolder: join(folder, "pushed") };
  const config = await LiveConfig.open(places, silentLog);
  if (!(config instanceof LiveConfig)) throw new Error(JSON.stringify(config));
  const mta = await Mta.start({
    config,
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    random: systemRandom,
    systemHostname: "engine.example.test",
    identity: options.identity ?? null,
  });
  const adminUrl = `http://127.0.0.1:${mta.ports.get("admin")}`;
  return {
    mta,
    folder,
    smtpPort: mta.ports.get("smtp") ?? 0,
    monitorUrl: `http://127.0.0.1:${mta.ports.get("monitor")}`,
    adminUrl,
    token: TOKEN,
    admin: (method, path, body) => call(`${adminUrl}${path}`, method, body),
    stop: async () => {
      mta.state = "Stopping";
      await mta.shutdown.run();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes smtpd.yaml, smtpd-app.yaml and the token; YAML is a superset of JSON. */
export function writeConfig(folder: string, options: EngineOptions): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "token"), `${TOKEN}\n`);
  const loopback = { port: 0, address: "127.0.0.1" };
  const startup = {
    servers: [{ id: "smtp", listeners: [loopback] }],
    spool: { path: join(folder, "spool") },
    monitor: { listener: loopback },
    admin: { listener: loopback, tokenfile: join(folder, "token") },
    shutdown: { timeout: 5 },
    ...options.startup,
  };
  writeFileSync(join(folder, "smtpd.yaml"), JSON.stringify(startup));
  writeFileSync(join(folder, "smtpd-app.yaml"), JSON.stringify(appConfig(options), null, 2));
}

/** smtpd-app.yaml of an engine under test. */
export function appConfig(options: EngineOptions): Record<string, unknown> {
  return {
    servers: [{ id: "smtp", transport: "default", ...options.appServer }],
    transportgroups: [
      {
        id: "default",
        connection: { server: options.server },
        transports: [{ id: "default" }],
        ...options.group,
      },
      ...(options.more ?? []),
    ],
    ...options.app,
  };
}

async function call(url: string, method: string, body: unknown): Promise<{ status: number; json: unknown }> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}
