/**
 * The engine's HTTP faces that take no mail: the monitor, open to whoever scrapes, and the admin API, if the configuration has
 * one. Both are ended with the engine. Rejects with a Failure that names the address or the file that cannot be used.
 */
import type { FastifyInstance } from "fastify";

import type { Clock } from "#base/clock.ts";
import { listenHttp } from "#base/http-server.ts";
import type { Log } from "#base/log.ts";
import { makeMonitorServer } from "../admin/monitor-server.ts";
import { openAdmin } from "../admin/open-admin.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { Shutdown } from "./shutdown.ts";

export interface FaceOptions {
  readonly config: Pick<LiveConfig, "current">;
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
  const { address, port } = options.config.current.startup.monitor.listener;
  await serve(options, "monitor", makeMonitorServer(health), { host: address, port });
}

export async function openAdminFace(
  options: FaceOptions,
  rooms: Parameters<typeof openAdmin>[1],
): Promise<void> {
  const { admin } = options.config.current.startup;
  if (admin === undefined) return;
  const { server, stop } = await openAdmin(admin, rooms, options);
  options.shutdown.add("admin-files", async () => stop());
  await serve(options, "admin", server, { host: admin.listener.address, port: admin.listener.port });
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
