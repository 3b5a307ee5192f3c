/**
 * An API server that knows one MailCluster with a canary under way, for pages that order roll-outs: takes merge patches of the
 * version that it has (409 otherwise) and keeps them. The real one is asked in server/rollout.api.test.ts.
 */
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";

import type { ClusterPlace } from "#web/server/mail-cluster.ts";

export interface MailClusterDoor {
  readonly place: ClusterPlace;
  annotations(): Readonly<Record<string, string>>;
  /** Somebody else changes the object: what was seen of it is old. */
  touch(): void;
  stop(): void;
}

interface Patch {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string | null>>;
  };
}

export async function startMailClusterDoor(): Promise<MailClusterDoor> {
  const folder = mkdtempSync(join(tmpdir(), "account-"));
  for (const name of ["token", "ca.crt"]) writeFileSync(join(folder, name), "");
  const annotations: Record<string, string> = {};
  let version = 1;
  const object = (): object => ({
    metadata: { resourceVersion: String(version), annotations },
    status: {
      revision: { target: "9f8e7d", lastGood: "1a2b3c" },
      rollout: {
        phase: "Canary",
        since: "2026-01-05T08:00:00Z",
        message: "slot 0: watched for 120 s",
      },
    },
  });
  const take = ({ metadata }: Patch): boolean => {
    if (metadata.resourceVersion !== String(version)) return false;
    for (const [name, value] of Object.entries(metadata.annotations)) {
      if (value === null) Reflect.deleteProperty(annotations, name);
      else annotations[name] = value;
    }
    version++;
    return true;
  };
  const server = createServer((request, response) => {
    const say = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.method === "GET") return say(200, object());
    void json(request).then((patch) =>
      take(patch as Patch)
        ? say(200, object())
        : say(409, { kind: "Status", message: "the object has been modified" }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    place: {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      name: "outbound",
      namespace: "mail",
      tokenfile: join(folder, "token"),
      ca: join(folder, "ca.crt"),
    },
    annotations: () => annotations,
    touch: () => version++,
    stop: () => {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
