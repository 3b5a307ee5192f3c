/**
 * The listeners of servers of type http. With each configuration they get what it says of limits and certificates, for the
 * connections that come from then on. At the end of the engine, requests under way get their answer within the patience that
 * sessions have, too. Opening rejects with a Failure that names the address that cannot be used.
 */
import type { FastifyInstance } from "fastify";

import { listenHttp } from "#base/http-server.ts";
import type { AppConfig, StartupConfig } from "#contract/config.ts";

import type { Settings } from "../config/settings.ts";
import type { FaceOptions } from "./http-faces.ts";
import { makeSubmissionServer } from "./http-submission.ts";
import type { InjectionOptions } from "./injection.ts";
import { SubmissionConnections } from "../session/submission-connections.ts";

export class SubmissionFaces {
  readonly #options: FaceOptions;
  readonly #injection: InjectionOptions<Settings>;

  constructor(options: FaceOptions, injection: InjectionOptions<Settings>) {
    this.#options = options;
    this.#injection = injection;
  }

  async open({ id, listeners }: StartupConfig["servers"][number]): Promise<void> {
    const { log, ports, config, clock } = this.#options;
    const injection = this.#injection;
    const ours = (): AppConfig["servers"][number] | undefined =>
      config.current.app.servers.find((server) => server.id === id);
    for (const { id: listener, address, port, backlog } of listeners) {
      const fastify = await makeSubmissionServer({
        serverId: id,
        keyFile: () => ours()?.http?.apikeyfile ?? null,
        maxBytes: () => ours()?.phases.data.maxsize ?? 0,
        maxRecipients: () => ours()?.phases.rcptto.maxrecipients ?? 0,
        injection,
        clock,
        log,
      });
      const connections = new SubmissionConnections(fastify.server, {
        limits: () => injection.settings().limits.get(id),
        tls: () => injection.settings().sessions.get(id)?.tls ?? null,
        clock,
      });
      fastify.addHook("onSend", async ({ socket }, reply) => {
        if (connections.isOutdated(socket)) reply.header("connection", "close");
      });
      const used = await listenHttp(fastify, { host: address, port, backlog });
      ports.set(id, used);
      this.#endsWithSessions(fastify, connections);
      log.info({ server: id, listener, address, port: used }, "listening");
    }
  }

  #endsWithSessions(fastify: FastifyInstance, connections: SubmissionConnections): void {
    const { shutdown, config, clock } = this.#options;
    const patienceMs = config.current.startup.shutdown.timeout;
    shutdown.add("sessions", async () => {
      const late = clock.after(patienceMs, () => connections.destroyAll());
      await fastify.close();
      late.cancel();
    });
  }
}
