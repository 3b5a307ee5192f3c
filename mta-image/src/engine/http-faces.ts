/**
 * The engine's HTTP faces: the monitor, open to whoever scrapes, the admin API, if the configuration has one, and the
 * servers of type http, which take mail. All are ended with the engine. Rejects with a Failure that names the address or the file that cannot be used.
 */
import type { FastifyInstance } from "fastify";

import type { Clock } from "#base/clock.ts";
import { listenHttp } from "#base/http-server.ts";
import type { Log } from "#base/log.ts";
import type { AppConfig, StartupConfig } from "#contract/config.ts";

import { makeMonitorServer } from "../admin/monitor-server.ts";
import { openAdmin } from "../admin/open-admin.ts";
import { makeSubmissionServer } from "./http-submission.ts";
import type { InjectionOptions } from "./injection.ts";
import type { Shutdown } from "./shutdown.ts";

export interface FaceOptions {
  readonly startup: StartupConfig;
  readonly shutdown: Shutdown;
  /** Where the ports in use are noted, as "monitor" and "admin". */
  readonly ports: Map<string, number>;
  readonly clock: Clock;
  readonly log: Log;
}

export async function openMonitorFace(
  options: FaceOptions,
  health: Parameters<typeof makeMonitorServer>[0],
): Promise<void> {
  const { address, port } = options.startup.monitor.listener;
  await serve(options, "monitor", makeMonitorServer(health), { host: address, port });
}

export async function openAdminFace(
  options: FaceOptions,
  rooms: Parameters<typeof openAdmin>[1],
): Promise<void> {
  const { admin } = options.startup;
  if (admin === undefined) return;
  const { server, stop } = await openAdmin(admin, rooms, options);
  options.shutdown.add("admin-files", async () => stop());
  await serve(options, "admin", server, { host: admin.listener.address, port: admin.listener.port });
}

/** The listeners of a server of type http, with the certificate that its settings name at the start. */
export async function openSubmissionFaces(
  options: FaceOptions,
  server: StartupConfig["servers"][number],
  { app, injection }: { readonly app: () => AppConfig; readonly injection: InjectionOptions },
): Promise<void> {
  const ours = (): AppConfig["servers"][number] | undefined =>
    app().servers.find(({ id }) => id === server.id);
  const name = ours()?.tls.certs[0]?.cert;
  const keys = options.startup.pki.private.find(({ id }) => id === name);
  for (const { address, port } of server.listeners) {
    const face = await makeSubmissionServer({
      serverId: server.id,
      keyFile: () => ours()?.http?.apikeyfile ?? null,
      maxBytes: () => ours()?.phases.data.maxsize ?? 0,
      injection,
      log: options.log,
      ...(keys === undefined ? {} : { tls: { cert: keys.cert, key: keys.key } }),
    });
    await serve(options, server.id, face, { host: address, port });
    options.log.info({ server: server.id, address, port: options.ports.get(server.id) }, "listening");
  }
}

async function serve(
  { ports, shutdown }: FaceOptions,
  name: string,
  server: FastifyInstance,
  address: { host: string; port: number },
): Promise<void> {
  ports.set(name, await listenHttp(server, address));
  shutdown.add(name, () => server.close());
}
