/**
 * Real object stores for tests, each over a folder of its own with one bucket and one key pair. They refuse wrong
 * signatures and wrong digests, which is the point. What they hold is read as any client of S3 reads it. `make setup`
 * builds them; without one its tests skip.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";

import { freePort } from "../../e2e/peers/free-port.ts";
import { cacheFolder } from "../../tools/setup/programs.ts";
import { until } from "./until.ts";

const keys = { id: "AKIATESTTEST", secret: "a-secret-for-tests" } as const;

interface Way {
  readonly args: (listen: string, data: string) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const ways = {
  versitygw: {
    args: (listen, data) => ["--port", listen, "posix", data],
    env: { ROOT_ACCESS_KEY: keys.id, ROOT_SECRET_KEY: keys.secret },
  },
  minio: {
    args: (listen, data) => ["server", "--quiet", "--address", listen, data],
    env: {
      MINIO_ROOT_USER: keys.id,
      MINIO_ROOT_PASSWORD: keys.secret,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
  },
} as const satisfies Record<string, Way>;

export type StoreKind = keyof typeof ways;
export const storeKinds = Object.keys(ways) as StoreKind[];

const executable = (kind: StoreKind): string => `${cacheFolder()}/bin/${kind}`;

/** Why tests with this store skip; false: it is there. */
export function whyNot(kind: StoreKind): string | false {
  return existsSync(executable(kind)) ? false : `${kind} is not built (make setup)`;
}

export class ObjectStore {
  readonly endpoint: string;
  readonly keyFile: string;
  readonly secretFile: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #client = new AwsClient({
    accessKeyId: keys.id,
    secretAccessKey: keys.secret,
    service: "s3",
    region: "us-east-1",
    retries: 0,
  });

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.keyFile = join(folder, "key");
    this.secretFile = join(folder, "secret");
    this.#folder = folder;
    this.#process = process;
  }

  static async start(kind: StoreKind, bucket: string): Promise<ObjectStore> {
    const folder = mkdtempSync(join(tmpdir(), "store-"));
    const data = join(folder, "data");
    mkdirSync(data);
    writeFileSync(join(folder, "key"), `${keys.id}\n`);
    writeFileSync(join(folder, "secret"), `${keys.secret}\n`);
    const port = await freePort();
    const way: Way = ways[kind];
    const child = spawn(executable(kind), way.args(`127.0.0.1:${port}`, data), {
      env: { ...way.env, HOME: folder },
      stdio: "ignore",
    });
    const store = new ObjectStore(folder, port, child);
    await store.#make(bucket).catch(async (error) => {
      await store.stop();
      throw error;
    });
    return store;
  }

  /** Keys of all objects (of the first thousand), in order, and their bytes. */
  async objects(bucket: string): Promise<Map<string, Buffer>> {
    const list = await (await this.#get(`${bucket}?list-type=2`)).text();
    const names = [...list.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name = ""]) => name).sort();
    const read = async (name: string): Promise<Buffer> =>
      Buffer.from(await (await this.#get(`${bucket}/${name}`)).arrayBuffer());
    return new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill("SIGKILL");
      await new Promise((resolve) => this.#process.once("exit", resolve));
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A store that has only just started answers nothing, or 503. */
  async #make(bucket: string): Promise<void> {
    const url = `${this.endpoint}/${bucket}`;
    await until(
      async () => {
        if (this.#process.exitCode !== null) throw new Error(`it ended with code ${this.#process.exitCode}`);
        return this.#client.fetch(url, { method: "PUT" }).then(
          ({ status }) => status,
          (error: unknown) => String(error),
        );
      },
      (status) => status === 200,
      120_000,
    );
  }

  async #get(path: string): Promise<Response> {
    const response = await this.#client.fetch(`${this.endpoint}/${path}`);
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`);
    return response;
  }
}
