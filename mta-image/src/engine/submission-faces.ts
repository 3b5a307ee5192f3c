/**
 * The listeners of servers of type http. Whether one speaks HTTPS is settled at the start; its certificate is renewed with
 * each configuration. Connections beyond the server's limits are closed before anything is read from them. At the end of
 * the engine, requests under way get their answer within the patience that sessions have, too. Opening rejects with a
 * Failure that names the address or the file that cannot be used.
 */
import type { FastifyInstance } from "fastify";

import { listenHttp, renewCertificate } from "#base/http-server.ts";
import type { AppConfig, StartupConfig } from "#contract/config.ts";

import type { Settings } from "../config/settings.ts";
import type { FaceOptions } from "./http-faces.ts";
import { makeSubmissionServer } from "./http-submission.ts";
import type { InjectionOptions } from "./injection.ts";
import { pemOf } from "../net/tls-contexts.ts";

interface Face {
  readonly serverId: string;
  readonly fastify: FastifyInstance;
}

export class SubmissionFaces {
  readonly #options: FaceOptions;
  readonly #injection: InjectionOptions<Settings>;
  readonly #faces: Face[] = [];

  constructor(options: FaceOptions, injection: InjectionOptions<Settings>) {
    this.#options = options;
    this.#injection = injection;
  }

  async open({ id, listeners }: StartupConfig["servers"][number]): Promise<void> {
    const { log, ports, config } = this.#options;
    const injection = this.#injection;
    const ours = (): AppConfig["servers"][number] | undefined =>
      config.current.app.servers.find((server) => server.id === id);
    const name = ours()?.tls.certs[0]?.cert;
    const files = config.current.startup.pki.private.find((pair) => pair.id === name);
    for (const { id: listener, address, port, backlog } of listeners) {
      const fastify = await makeSubmissionServer({
        serverId: id,
        keyFile: () => ours()?.http?.apikeyfile ?? null,
        maxBytes: () => ours()?.phases.data.maxsize ?? 0,
        injection,
        log,
        ...(files === undefined ? {} : { tls: { cert: files.cert, key: files.key } }),
      });
      boundConnections(fastify, () => injection.settings().limits.get(id));
      const used = await listenHttp(fastify, { host: address, port, backlog });
      ports.set(id, used);
      this.#faces.push({ serverId: id, fastify });
      this.#endsWithSessions(fastify);
      log.info({ server: id, listener, address, port: used }, "listening");
    }
  }

  /** New settings are in force. One that has no certificate any more keeps the last: it never goes on in the clear. */
  renew(): void {
    for (const { serverId, fastify } of this.#faces) {
      const context = this.#injection.settings().sessions.get(serverId)?.tls ?? null;
      const pem = context === null ? undefined : pemOf(context);
      if (pem !== undefined) renewCertificate(fastify, pem);
    }
  }

  #endsWithSessions(fastify: FastifyInstance): void {
    const { shutdown, config, clock } = this.#options;
    const patienceMs = config.current.startup.shutdown.timeout;
    shutdown.add("sessions", async () => {
      const late = clock.after(patienceMs, () => fastify.server.closeAllConnections());
      await fastify.close();
      late.cancel();
    });
  }
}

/** A client hears nothing: to tell it, its request would have to be read. */
function boundConnections(
  { server }: FastifyInstance,
  limits: () => { readonly connections: number; readonly perIp: number } | undefined,
): void {
  const perIp = new Map<string, number>();
  let all = 0;
  server.on("connection", (socket) => {
    const ip = socket.remoteAddress ?? "";
    const fromIp = perIp.get(ip) ?? 0;
    const most = limits();
    if (most === undefined || all >= most.connections || fromIp >= most.perIp) return void socket.destroy();
    all++;
    perIp.set(ip, fromIp + 1);
    socket.once("close", () => {
      all--;
      const left = (perIp.get(ip) ?? 1) - 1;
      if (left === 0) perIp.delete(ip);
      else perIp.set(ip, left);
    });
  });
}
