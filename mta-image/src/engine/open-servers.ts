/** Opens the listeners of a server, one after another; each is handed over as soon as it is open. Rejects with a Failure. */
import type { Log } from "#base/log.ts";
import type { EngineConfig } from "#contract/config.ts";

import type { Settings } from "../config/settings.ts";
import type { SessionNeighbours, SessionSettings } from "../session/options.ts";
import { SmtpServer } from "../session/smtp-server.ts";

export async function openServer(
  server: EngineConfig["startup"]["servers"][number],
  options: {
    readonly near: SessionNeighbours;
    readonly settings: () => Settings;
    /** Settings of its own for a client; null for most. */
    readonly staged: (serverId: string, ip: string) => SessionSettings | null;
    readonly log: Log;
    readonly onOpen: (smtp: SmtpServer) => void;
  },
): Promise<void> {
  const { near, settings, staged, log, onOpen } = options;
  const usual = (): SessionSettings => found(settings().sessions.get(server.id), server.id);
  for (const { id, address, port, backlog } of server.listeners) {
    const smtp = new SmtpServer({
      address: address.startsWith("/")
        ? { kind: "unix", path: address, backlog }
        : { kind: "tcp", host: address, port, backlog },
      near,
      settings: (ip) => (ip === undefined ? null : staged(server.id, ip)) ?? usual(),
      limits: () => found(settings().limits.get(server.id), server.id),
    });
    await smtp.start();
    onOpen(smtp);
    log.info({ server: server.id, listener: id, address, port: smtp.port }, "listening");
  }
}

/** Connections that a server has now, in all or from one address; null when there is no such server. */
export function connectionsOf(
  servers: readonly SmtpServer[],
  serverId: string,
  address: string | null,
): number | null {
  const those = servers.filter((server) => server.serverId === serverId);
  if (those.length === 0) return null;
  return those.reduce(
    (sum, server) => sum + (address === null ? server.sessions : server.sessionsFrom(address)),
    0,
  );
}

/** The configuration was checked: both files name the same servers. */
function found<T>(value: T | undefined, id: string): T {
  if (value === undefined) throw new Error(`bug: server ${id} has no settings`);
  return value;
}
