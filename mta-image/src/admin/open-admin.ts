/**
 * Makes the admin server from its configuration: the token and the certificate are files that may be renewed
 * while the engine runs (a mounted Secret), so both are looked at again now and then. A file that cannot be read
 * at start rejects with a Failure that names it; later the last good one stays and a line is logged.
 */
import { readFile } from "node:fs/promises";
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";

import type { Clock, Timer } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { EngineConfig } from "#contract/config.ts";

import { type AdminRooms, makeAdminServer } from "./admin-server.ts";

type AdminConfig = NonNullable<EngineConfig["startup"]["admin"]>;

interface AdminFiles {
  readonly token: string | null;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca?: string } | null;
}

/** A Secret reaches a pod's volume within about a minute. */
const LOOK_EVERY_MS = 30_000;

export async function openAdmin(
  config: AdminConfig,
  rooms: AdminRooms,
  tools: { readonly clock: Clock; readonly log: Log },
): Promise<{ server: FastifyInstance; stop: () => void }> {
  let files = await readAdminFiles(config);
  const server = makeAdminServer({
    ...rooms,
    token: () => files.token,
    ...(config.tls === undefined ? {} : { tls: withClientCa(config.tls) }),
  });
  let timer: Timer;
  let isStopped = false;
  const plan = (): void => {
    if (!isStopped) timer = tools.clock.after(LOOK_EVERY_MS, () => void look());
  };
  const look = async (): Promise<void> => {
    try {
      const next = await readAdminFiles(config);
      if (next.tls !== null && JSON.stringify(next.tls) !== JSON.stringify(files.tls)) {
        (server.server as unknown as TlsServer).setSecureContext({ ...next.tls, minVersion: "TLSv1.2" });
        tools.log.info("admin-certificate-renewed");
      }
      files = next;
    } catch (error) {
      tools.log.warn({ error: describe(error) }, "admin-files-unusable");
    }
    plan();
  };
  plan();
  const stop = (): void => {
    isStopped = true;
    timer.cancel();
  };
  return { server, stop };
}

function withClientCa(tls: NonNullable<AdminConfig["tls"]>): {
  cert: string;
  key: string;
  clientCa?: string;
} {
  const { cert, key, clientca } = tls;
  return { cert, key, ...(clientca === undefined ? {} : { clientCa: clientca }) };
}

async function readAdminFiles({ tokenfile, tls }: AdminConfig): Promise<AdminFiles> {
  const token = tokenfile === undefined ? null : (await read(tokenfile)).trim();
  if (token === "") {
    throw new Failure("admin-file-unusable", `${tokenfile} holds no token`, { transient: false });
  }
  if (tls === undefined) return { token, tls: null };
  const [cert, key, ca] = await Promise.all([
    read(tls.cert),
    read(tls.key),
    tls.clientca === undefined ? null : read(tls.clientca),
  ]);
  return { token, tls: { cert, key, ...(ca === null ? {} : { ca }) } };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Failure("admin-file-unusable", `cannot read ${path}: ${describe(cause)}`, { cause });
  }
}
