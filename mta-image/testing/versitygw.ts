/**
 * A real object store for tests: versitygw over a folder, with one key pair. It refuses wrong signatures and wrong
 * digests, which is the point. `make setup` builds it; without it tests skip.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../../e2e/peers/free-port.ts";
import { cacheFolder } from "../../tools/setup/programs.ts";

const executable = (): string => `${cacheFolder()}/bin/versitygw`;

export function hasVersitygw(): boolean {
  return existsSync(executable());
}

export class ObjectStore {
  readonly endpoint: string;
  readonly keyFile: string;
  readonly secretFile: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.keyFile = join(folder, "key");
    this.secretFile = join(folder, "secret");
    this.#folder = folder;
    this.#process = process;
  }

  static async start(bucket: string): Promise<ObjectStore> {
    const folder = mkdtempSync(join(tmpdir(), "store-"));
    mkdirSync(join(folder, "data", bucket), { recursive: true });
    writeFileSync(join(folder, "key"), "AKIATESTTEST\n");
    writeFileSync(join(folder, "secret"), "a-secret-for-tests\n");
    const port = await freePort();
    const args = ["--port", `127.0.0.1:${port}`, "posix", join(folder, "data")];
    const env = { ROOT_ACCESS_KEY: "AKIATESTTEST", ROOT_SECRET_KEY: "a-secret-for-tests" };
    const child = spawn(executable(), args, { env, stdio: "ignore" });
    await listening(port, child);
    return new ObjectStore(folder, port, child);
  }

  /** Keys of all objects, in order, and their bytes. */
  objects(bucket: string): Map<string, Buffer> {
    const root = join(this.#folder, "data", bucket);
    const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const keys = entries.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
    const shown = keys.filter((key) => !key.startsWith(".sgwtmp")).sort();
    return new Map(shown.map((key) => [key, readFileSync(join(root, key))]));
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await new Promise((resolve) => this.#process.once("exit", resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("versitygw does not listen");
}
