/**
 * A server that speaks S3 as a peer of scenarios: versitygw over a folder, with one bucket and one pair of keys, inside a
 * network namespace. What was put into the bucket is read from the folder.
 */
import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { start, tryRun } from "./shell.ts";

export const storeKeys = { id: "AKIASCENARIO", secret: "a-secret-for-scenarios" } as const;

export class ObjectStore {
  readonly endpoint: string;
  readonly bucket: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(place: { endpoint: string; bucket: string; folder: string }, child: ChildProcess) {
    this.endpoint = place.endpoint;
    this.bucket = place.bucket;
    this.#folder = place.folder;
    this.#child = child;
  }

  /** `program`: path of versitygw. */
  static async start(at: {
    program: string;
    address: string;
    port: number;
    namespace: string | null;
  }): Promise<ObjectStore> {
    const folder = await mkdtemp(join(tmpdir(), "store-"));
    const bucket = "mail";
    await mkdir(join(folder, bucket));
    const listen = `${at.address}:${at.port}`;
    const child = start(at.program, ["--port", listen, "posix", folder], {
      namespace: at.namespace,
      env: { ROOT_ACCESS_KEY: storeKeys.id, ROOT_SECRET_KEY: storeKeys.secret },
    });
    const endpoint = `http://${listen}`;
    const store = new ObjectStore({ endpoint, bucket, folder }, child);
    await store.#listening(at.namespace);
    return store;
  }

  /** Names of the objects, and their bytes. */
  async objects(): Promise<ReadonlyMap<string, string>> {
    const root = join(this.#folder, this.bucket);
    const names = (await readdir(root)).filter((name) => name.endsWith(".eml"));
    const entries = names.map(async (name) => [name, await readFile(join(root, name), "latin1")] as const);
    return new Map(await Promise.all(entries));
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #listening(namespace: string | null): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const { code } = await tryRun("curl", ["--silent", "--output", "/dev/null", this.endpoint], {
        namespace,
      });
      if (code === 0) return;
      await wait(100);
    }
    throw new Error("versitygw does not listen");
  }
}
