/** Everything of the web administration from its configuration to a listening server; `main.ts` and tests use it. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import { type HttpServerOptions, listenHttp } from "#base/http-server.ts";
import type { Log } from "#base/log.ts";

import { makeApp } from "./app.ts";
import { Audit } from "./audit.ts";
import { clusterRoutes } from "./cluster-routes.ts";
import { configRoutes } from "./config-routes.ts";
import { EngineClient } from "./engine-client.ts";
import { Fleet } from "./fleet.ts";
import { Lint } from "./lint.ts";
import { type ClusterPlace, MailCluster } from "./mail-cluster.ts";
import { PasswordGate } from "./password-gate.ts";
import { queueRoutes } from "./queue-routes.ts";
import { rolloutRoutes } from "./rollout-routes.ts";
import type { Route } from "./route.ts";
import { ruleRoutes } from "./rule-routes.ts";
import { signOnRoutes } from "./sign-on-routes.ts";
import { SingleSignOn } from "./single-sign-on.ts";
import { sessionRoutes } from "./session-routes.ts";
import { Sessions } from "./sessions.ts";
import { type NameService, Targets } from "./targets.ts";
import { traceRoutes } from "./trace-routes.ts";
import { Users } from "./users.ts";
import { Watch } from "./watch.ts";
import { type WebConfig, invalid } from "./web-config.ts";

export interface StartOptions {
  readonly file: string;
  readonly config: WebConfig;
  readonly pages: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly names: NameService;
  readonly version: string;
  /** The MailCluster that roll-outs are ordered of; null: none may be, or this is not Kubernetes. */
  readonly cluster: ClusterPlace | null;
}

export interface RunningWeb {
  readonly port: number;
  /** Every path that is served, as fastify lists them. */
  readonly paths: string;
  stop(): Promise<void>;
}

export async function startWeb(options: StartOptions): Promise<RunningWeb> {
  const { config, clock, log } = options;
  const client = new EngineClient(config.engines, config.engines.timeout);
  const fleet = new Fleet(new Targets(config.engines, options), client);
  const watch = new Watch(fleet, clock);
  const app = await makeServer(options, { fleet, watch });
  const { address, port } = config.listener;
  const bound = await listenHttp(app, { host: address, port });
  void watch.start();
  log.info({ address, port: bound }, "listening");
  return {
    port: bound,
    paths: app.printRoutes({ commonPrefix: false }),
    stop: async () => {
      watch.stop();
      await app.close();
      await client.close();
    },
  };
}

async function makeServer(
  options: StartOptions,
  { fleet, watch }: { fleet: Fleet; watch: Watch },
): Promise<FastifyInstance> {
  const { config, file, clock, log, pages, version } = options;
  const key = await readKey(file, config.sessions.keyfile);
  const users = await Users.open(config.users ?? null, log);
  const lifetimeMs = config.sessions.lifetime;
  const { proxy, oidc, title } = config;
  const sessions = new Sessions({ users, clock, key, lifetimeMs, proxy, signOnStamp: stampOf(oidc) });
  const signOn = oidc === undefined ? null : new SingleSignOn(oidc, log);
  const audit = new Audit(log, config.audit.file ?? null);
  const cluster = options.cluster === null ? null : new MailCluster(options.cluster);
  const gate = new PasswordGate(users, clock);
  const routes: readonly Route[] = [
    ...sessionRoutes({ sessions, gate, audit, signOn, title }),
    ...signOnRoutes({ sessions, signOn, hasPasswords: config.users !== undefined, title, clock }),
    ...clusterRoutes(fleet, watch),
    ...configRoutes(fleet, new Lint(clock)),
    ...queueRoutes(fleet),
    ...ruleRoutes(fleet),
    ...traceRoutes(fleet),
    ...rolloutRoutes(cluster),
  ];
  const app = await makeApp({
    routes,
    sessions,
    audit,
    clock,
    log,
    key,
    pages,
    version,
    http: httpOptions(config),
  });
  app.addHook("onClose", async () => void (await Promise.all([signOn?.close(), cluster?.close()])));
  return app;
}

/** Null: nobody comes by a provider. What is made of groups is part of it: who may less now logs in anew. */
function stampOf(oidc: WebConfig["oidc"]): string | null {
  if (oidc === undefined) return null;
  return createHash("sha256").update(JSON.stringify(oidc)).digest("base64url").slice(0, 24);
}

function httpOptions({ listener, proxy }: WebConfig): Pick<HttpServerOptions, "tls" | "trustProxy"> {
  return {
    ...(listener.tls === undefined ? {} : { tls: listener.tls }),
    ...(proxy === undefined ? {} : { trustProxy: proxy.trusted }),
  };
}

async function readKey(file: string, keyfile: string): Promise<Buffer> {
  const key = await readFile(keyfile).catch((cause: unknown) => {
    throw invalid(file, `sessions.keyfile: ${describe(cause)}`);
  });
  if (key.length < 32) throw invalid(file, `sessions.keyfile: ${keyfile} holds fewer than 32 bytes`);
  return key;
}
