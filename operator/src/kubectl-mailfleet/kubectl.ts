/**
 * kubectl as a child process: whoever can use it can use the plugin, with the same contexts and logins, and nothing about
 * those is known here. A call that fails rejects with a Failure that has kubectl's own words; its output is bounded.
 */
import { spawn } from "node:child_process";

import { Failure } from "#base/error.ts";

const MOST_BYTES = 64 * 1024 * 1024;

export interface Forward {
  /** On the loopback of this machine. */
  readonly port: number;
  close(): void;
}

export class Kubectl {
  readonly #program: string;
  readonly #flags: readonly string[];

  constructor(program: string, flags: readonly string[]) {
    this.#program = program;
    this.#flags = flags;
  }

  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.text(...args, "--output=json")) as T;
  }

  text(...args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, [...this.#flags, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      const out: Buffer[] = [];
      let size = 0;
      let words = "";
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) child.kill();
        else out.push(chunk);
      });
      child.stderr.on("data", (chunk: Buffer) => {
        words = `${words}${chunk.toString("utf8")}`.slice(0, 4000);
      });
      child.once("error", (error) =>
        reject(new Failure("kubectl-missing", `${this.#program}: ${error.message}`)),
      );
      child.once("close", (code) => {
        if (code === 0) return resolve(Buffer.concat(out).toString("utf8"));
        const tooMuch = `kubectl ${args.slice(0, 2).join(" ")} said more than ${MOST_BYTES} bytes`;
        const ending = size > MOST_BYTES ? tooMuch : `kubectl ended with ${code}`;
        reject(new Failure("kubectl-failed", words.trim() || ending));
      });
    });
  }

  /** To a port of a pod, for as long as it is not closed. */
  forward(namespace: string, pod: string, port: number): Promise<Forward> {
    const args = [
      "port-forward",
      `--namespace=${namespace}`,
      `pod/${pod}`,
      `:${port}`,
      "--address=127.0.0.1",
    ];
    const child = spawn(this.#program, [...this.#flags, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    return new Promise((resolve, reject) => {
      let said = "";
      const listen = (chunk: Buffer): void => {
        said = `${said}${chunk.toString("utf8")}`.slice(-4000);
        const local = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        if (local !== undefined) resolve({ port: Number(local), close: () => void child.kill() });
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.once("error", (error) => reject(new Failure("kubectl-missing", error.message)));
      child.once("close", () =>
        reject(new Failure("kubectl-failed", `port-forward to ${pod}: ${said.trim()}`)),
      );
    });
  }
}
