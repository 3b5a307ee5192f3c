/**
 * Lines do not leak: whatever becomes of connections to the API server, no more descriptors are open afterwards than before,
 * and the operator shows how many there are.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { type AddressInfo, createServer as createPlainServer, type Server as PlainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { addProcessFigures } from "#base/process-figures.ts";
import { renewed } from "#operator/engine/authority.ts";

import { kubeconfigFor } from "../../testing/kubeconfig.ts";
import { makeMetrics } from "../metrics.ts";
import { findAccess } from "./access.ts";
import { HttpKube } from "./http-kube.ts";
import { resources } from "./objects.ts";

const TIMES = 150;
/** Of the runtime itself: what a test leaves to be closed a moment later. */
const SLACK = 3;

describe("descriptors over many connections that fail", () => {
  let folder: string;
  let keys: { readonly ca: string; readonly cert: string; readonly key: string };
  const closing: (() => Promise<unknown>)[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "descriptors-"));
    keys = await renewed(null, { serverName: "localhost", now: Date.now() });
    await writeFile(join(folder, "ca.crt"), keys.ca);
    // What the process opens once (resolver, entropy, inspector) is open before anything is counted.
    const kube = await door(await plainServer((socket) => socket.destroy()));
    await calls(kube, 3);
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
    await rm(folder, { recursive: true });
  });

  async function plainServer(
    onConnection: Parameters<typeof createPlainServer>[1] & {},
  ): Promise<PlainServer> {
    const server = createPlainServer((socket) => {
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    return listening(server);
  }

  async function listening<T extends Server | PlainServer>(server: T): Promise<T> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    return server;
  }

  async function door(server: Server | PlainServer): Promise<HttpKube> {
    const { port } = server.address() as AddressInfo;
    const file = join(folder, `config-${port}`);
    await writeFile(file, kubeconfigFor(port));
    const kube = new HttpKube({
      access: findAccess(file),
      clock: systemClock,
      random: () => 0,
      userAgent: "test",
      callDeadlineMs: 2000,
      silenceMs: 2000,
    });
    closing.push(() => kube.close());
    return kube;
  }

  /** How many calls and watches have failed; all of them must. */
  async function calls(kube: HttpKube, times: number): Promise<void> {
    const ref = { resource: resources.pods, namespace: "n", name: "a" };
    const watch = async (): Promise<void> => {
      const { signal } = new AbortController();
      const options = { namespace: "n", resourceVersion: "1", signal };
      for await (const _ of kube.watch(resources.pods, options));
      throw new Error("the watch has ended");
    };
    for (let i = 0; i < times; i++) {
      await assert.rejects(kube.get(ref));
      await assert.rejects(watch());
    }
  }

  /** Sockets close a moment after whoever used them knows; a leak stays. */
  async function atMost(limit: number): Promise<void> {
    for (let i = 0; i < 100 && (await open()) > limit; i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const count = await open();
    assert.ok(count <= limit, `${count} descriptors are open, ${limit} are allowed`);
  }

  async function open(): Promise<number> {
    return (await readdir("/proc/self/fd")).length;
  }

  test("connections that nobody takes", async () => {
    const server = await plainServer((socket) => socket.destroy());
    const kube = await door(server);
    await new Promise((resolve) => server.close(resolve));
    const beforehand = await open();
    await calls(kube, TIMES);
    await atMost(beforehand + SLACK);
  });

  test("connections that are cut before TLS is there", async () => {
    const kube = await door(await plainServer((socket) => socket.destroy()));
    const beforehand = await open();
    await calls(kube, TIMES);
    await atMost(beforehand + SLACK);
  });

  test("requests and watches that are cut in the middle", async () => {
    const server = await listening(
      createServer({ cert: keys.cert, key: keys.key }, (request, response) => {
        if (!(request.url ?? "").includes("watch=")) return void request.socket.destroy();
        response.writeHead(200, { "content-type": "application/json" });
        response.write('{"type":"BOOK', () => request.socket.destroy());
      }),
    );
    const kube = await door(server);
    const beforehand = await open();
    await calls(kube, TIMES);
    await atMost(beforehand + SLACK);
  });

  test("are counted where everybody can see them", async () => {
    const metrics = makeMetrics();
    addProcessFigures(metrics.registry);
    const shown = Number(/^process_open_fds (\d+)$/m.exec(await metrics.registry.metrics())?.[1]);
    assert.ok(Math.abs(shown - (await open())) <= SLACK, `${shown} are shown`);
  });
});
