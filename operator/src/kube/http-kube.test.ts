import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import { renewed } from "#operator/engine/authority.ts";

import { kubeconfigFor } from "../../testing/kubeconfig.ts";
import { findAccess } from "./access.ts";
import { isKubeFailure, type KubeCode } from "./errors.ts";
import { HttpKube } from "./http-kube.ts";
import type { WatchEvent } from "./kube.ts";
import { type ConfigMap, resources } from "./objects.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const stored = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "n", resourceVersion: "7" },
};
const ref = { resource: resources.configMaps, namespace: "n", name: "a" };

describe("the door to the API server", () => {
  let folder: string;
  let server: Server;
  let kube: HttpKube;
  /** For a server that does not answer, or falls silent. */
  let hasty: HttpKube;
  let sockets = 0;
  let handler: Handler = (_, response) => json(response, 200, stored);
  const seen: { url: string; headers: IncomingMessage["headers"]; body: string }[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "http-kube-"));
    const keys = await renewed(null, { serverName: "localhost", now: Date.now() });
    server = createServer({ cert: keys.cert, key: keys.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        seen.push({ url: request.url ?? "", headers: request.headers, body });
        handler(request, response, body);
      });
    });
    server.on("secureConnection", () => sockets++);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, "ca.crt"), keys.ca);
    await writeFile(join(folder, "config"), kubeconfigFor(port, { namespace: "n" }));
    const access = findAccess(join(folder, "config"));
    const options = { access, clock: systemClock, random: () => 0, userAgent: "test" };
    kube = new HttpKube({ ...options, callDeadlineMs: 60_000, silenceMs: 60_000 });
    hasty = new HttpKube({ ...options, callDeadlineMs: 2000, silenceMs: 300 });
  });
  after(async () => {
    await Promise.all([kube.close(), hasty.close()]);
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  test("500 calls share fewer than five sockets", async () => {
    sockets = 0;
    for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 10 }, () => kube.get(ref)));
    assert.ok(sockets < 5, `${sockets} sockets`);
    assert.equal(seen.at(-1)?.headers.authorization, "Bearer secret");
  });

  test("applies with force, manager and the media type of every server, without the status", async () => {
    handler = (_, response) => json(response, 200, stored);
    await kube.apply(resources.configMaps, { ...stored, data: { x: "1" }, status: {} } as ConfigMap);
    const call = seen.at(-1);
    assert.match(call?.url ?? "", /configmaps\/a\?fieldManager=mailfleet-operator&force=true$/);
    assert.equal(call?.headers["content-type"], "application/apply-patch+yaml");
    assert.ok(!call?.body.includes("status"));
  });

  const codes: readonly (readonly [number, string, KubeCode, boolean])[] = [
    [409, "Conflict", "conflict", true],
    [409, "AlreadyExists", "already-exists", true],
    [410, "Expired", "gone", true],
    [422, "Invalid", "invalid", false],
    [429, "TooManyRequests", "throttled", true],
    [500, "InternalError", "broken", true],
    [503, "ServiceUnavailable", "unreachable", true],
    [403, "Forbidden", "refused", false],
  ];
  for (const [status, reason, code, transient] of codes) {
    test(`${status} ${reason} is ${code}`, async () => {
      handler = (_, response) => json(response, status, { kind: "Status", reason, message: "said" });
      await assert.rejects(
        kube.list(resources.configMaps, { namespace: "n" }),
        (error) => isKubeFailure(error, code) && error.transient === transient && /said/.test(error.message),
      );
    });
  }

  test("an answer that is no JSON is broken, and none at all is unreachable", async () => {
    handler = (_, response) => response.writeHead(200).end("<html>");
    await assert.rejects(kube.get(ref), (error) => isKubeFailure(error, "broken"));
    handler = (request) => request.socket.destroy();
    await assert.rejects(kube.get(ref), (error) => isKubeFailure(error, "unreachable"));
    handler = () => undefined;
    await assert.rejects(hasty.get(ref), (error) => isKubeFailure(error, "unreachable"));
  });

  test("a watch hands out events cut anywhere, and drops managed fields", async () => {
    const object = { ...stored, metadata: { ...stored.metadata, managedFields: [{}] } };
    const lines = `${JSON.stringify({ type: "ADDED", object })}\n${JSON.stringify({ type: "BOOKMARK", object })}\n`;
    handler = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      for (let i = 0; i < lines.length; i += 40) response.write(lines.slice(i, i + 40));
      response.end();
    };
    const events = await watched(kube);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["ADDED", "BOOKMARK"],
    );
    assert.ok(!JSON.stringify(events[0]).includes("managedFields"));
    assert.match(seen.at(-1)?.url ?? "", /allowWatchBookmarks=true/);
  });

  test("a watch notices silence", async () => {
    handler = (_, response) =>
      void response.writeHead(200, { "content-type": "application/json" }).write("\n");
    await assert.rejects(
      watched(hasty),
      (error) => isKubeFailure(error, "unreachable") && /silent/.test(error.message),
    );
  });

  /** All events until the server ends it. */
  async function watched(by: HttpKube): Promise<WatchEvent<ConfigMap>[]> {
    const { signal } = new AbortController();
    const events: WatchEvent<ConfigMap>[] = [];
    const options = { namespace: "", resourceVersion: "1", signal };
    for await (const event of by.watch(resources.configMaps, options)) events.push(event);
    return events;
  }

  test("a watch whose refusal never ends, or has no end, is given up", async () => {
    handler = (_, response) => void response.writeHead(500).write('{"kind":"Status","message":"no');
    await assert.rejects(watched(hasty), (error) => isKubeFailure(error, "unreachable"));
    handler = (_, response) => {
      const page = Buffer.alloc(1024 * 1024, "x");
      const more = (): void => void response.write(page, (error) => error ?? more());
      response.writeHead(500);
      more();
    };
    await assert.rejects(watched(hasty), (error) => isKubeFailure(error));
    handler = (_, response) => json(response, 403, { kind: "Status", message: "you may not" });
    await assert.rejects(
      watched(kube),
      (error) => isKubeFailure(error, "refused") && /you may not/.test(error.message),
    );
  });

  test("an event of type ERROR with 410 is gone", async () => {
    const line = JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    handler = (_, response) => response.writeHead(200).end(`${line}\n`);
    await assert.rejects(watched(kube), (error) => isKubeFailure(error, "gone"));
  });

  test("a kubeconfig that names nothing, or a server in the clear, is refused", async () => {
    const broken = join(folder, "broken");
    const refused = (error: unknown) => error instanceof Failure && error.code === "kubeconfig-unusable";
    await writeFile(broken, "current-context: none\nclusters: []\nusers: []\ncontexts: []\n");
    assert.throws(() => findAccess(broken), refused);
    await writeFile(
      broken,
      "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\nclusters: [{name: c, cluster: {server: 'http://10.0.0.1'}}]\n",
    );
    assert.throws(() => findAccess(broken), refused);
    assert.throws(() => findAccess(join(folder, "missing")), refused);
  });
});

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
