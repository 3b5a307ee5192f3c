/**
 * A program of ours as a child process that is asked over standard input and answers with one line of JSON each, its first
 * line saying {"ready":true,…}. Every call rejects when the process is gone, with what it said.
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";

import { start } from "./shell.ts";

export class Asked {
  /** The first line. */
  readonly greeting: unknown;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(greeting: unknown, child: ChildProcess, answers: AsyncIterator<string>) {
    this.greeting = greeting;
    this.#child = child;
    this.#answers = answers;
  }

  static async start(
    script: string,
    args: readonly string[],
    options: { readonly namespace?: string | null } = {},
  ): Promise<Asked> {
    const child = start(process.execPath, [script, ...args], { namespace: options.namespace ?? null });
    const said: string[] = [];
    child.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    if (child.stdout === null) throw new Error("bug: the program has no output");
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.done === true) throw new Error(`${script} did not start: ${said.join("")}`);
    const greeting = JSON.parse(first.value) as unknown;
    z.object({ ready: z.literal(true) }).parse(greeting);
    return new Asked(greeting, child, answers);
  }

  /** One question at a time: answers come back in order and carry no name. */
  ask<T>(question: string, shape: z.ZodType<T>): Promise<T> {
    const answer = this.#turn.then(async () => {
      this.#child.stdin?.write(`${question}\n`);
      const line = await this.#answers.next();
      if (line.done === true) throw new Error(`the program ended before it answered "${question}"`);
      return shape.parse(JSON.parse(line.value));
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}
