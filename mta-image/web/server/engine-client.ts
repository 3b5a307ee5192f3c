/**
 * One call of one engine's admin API. Never rejects: an engine that does not answer, answers too much or in another
 * shape is an answer too, with a sentence for the page. Token and authority are read again when their files change.
 */
import { readFile } from "node:fs/promises";
import { Agent, request } from "undici";
import { z } from "zod";

import { describe } from "#base/error.ts";

import type { Target } from "./targets.ts";

export type EngineAnswer<T> =
  | { readonly ok: true; readonly value: T }
  /** `refused`: the engine understood and said no. */
  | {
      readonly ok: false;
      readonly kind: "silent" | "refused";
      readonly reason: string;
      readonly status: number;
    };

export interface EngineCall<T> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Of the body; JSON unless it says otherwise. */
  readonly type?: string;
  readonly answer: z.ZodType<T>;
}

interface Files {
  readonly tokenfile?: string | undefined;
  readonly ca?: string | undefined;
  readonly servername?: string | undefined;
}

/** A page of 1,000 entries with long addresses is below 4 MiB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class EngineClient {
  readonly #files: Files;
  readonly #timeoutMs: number;
  #agent: Agent | null = null;
  #ca = "";

  constructor(files: Files, timeoutMs: number) {
    this.#files = files;
    this.#timeoutMs = timeoutMs;
  }

  async call<T>(target: Target, engineCall: EngineCall<T>): Promise<EngineAnswer<T>> {
    const { method, path, body, type = "application/json", answer } = engineCall;
    try {
      const response = await request(`${target.url}${path}`, {
        method,
        headers: {
          ...(await this.#headers()),
          ...(body === undefined ? {} : { "content-type": type }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        dispatcher: await this.#dispatcher(),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      const { statusCode } = response;
      const json: unknown = JSON.parse(await response.body.text());
      if (statusCode !== 200) return refused(json, statusCode);
      const parsed = answer.safeParse(json);
      return parsed.success
        ? { ok: true, value: parsed.data }
        : silent("its answer has another shape than expected");
    } catch (error) {
      return silent(reasonOf(error, this.#timeoutMs));
    }
  }

  /** An answer that goes on until `signal`: its lines. What keeps it from beginning is an answer too, as with `call`. */
  async stream(
    target: Target,
    path: string,
    signal: AbortSignal,
  ): Promise<EngineAnswer<AsyncIterable<string>>> {
    try {
      const { statusCode, body } = await request(`${target.url}${path}`, {
        headers: await this.#headers(),
        dispatcher: await this.#dispatcher(),
        headersTimeout: this.#timeoutMs,
        // Engines say that they are there every ten seconds.
        bodyTimeout: 30_000,
        signal,
      });
      if (statusCode !== 200) return refused(JSON.parse(await body.text()), statusCode);
      return { ok: true, value: linesOf(body) };
    } catch (error) {
      return silent(reasonOf(error, this.#timeoutMs));
    }
  }

  async close(): Promise<void> {
    await this.#agent?.close();
  }

  async #headers(): Promise<Record<string, string>> {
    const { tokenfile } = this.#files;
    if (tokenfile === undefined) return {};
    return { authorization: `Bearer ${(await readFile(tokenfile, "utf8")).trim()}` };
  }

  async #dispatcher(): Promise<Agent> {
    const { ca: file, servername } = this.#files;
    const ca = file === undefined ? "" : await readFile(file, "utf8");
    if (this.#agent !== null && ca === this.#ca) return this.#agent;
    void this.#agent?.close();
    this.#ca = ca;
    this.#agent = new Agent({
      maxResponseSize: MAX_ANSWER_BYTES,
      connect: {
        timeout: this.#timeoutMs,
        ...(ca === "" ? {} : { ca }),
        ...(servername === undefined ? {} : { servername }),
      },
    });
    return this.#agent;
  }
}

const MAX_LINE = 1024 * 1024;

async function* linesOf(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw new Error("a line of its answer is too long");
    yield* lines;
  }
}

/** An engine's refusal, and one of Kubernetes. */
const Said = z.object({ message: z.string().max(10_000) });

function refused(json: unknown, status: number): EngineAnswer<never> {
  const error = Said.safeParse(json);
  const reason = error.success ? error.data.message : `it answered ${status}`;
  return { ok: false, kind: "refused", reason, status };
}

function silent(reason: string): EngineAnswer<never> {
  return { ok: false, kind: "silent", reason, status: 0 };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof SyntaxError) return "its answer is no JSON";
  const { name, code } = error as { name?: string; code?: string };
  if (name === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT")
    return `no answer within ${timeoutMs / 1000} s`;
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return "its answer is too large";
  return `no answer: ${describe(error)}`;
}
