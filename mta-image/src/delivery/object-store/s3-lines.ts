/**
 * The connections to one store, kept and used again. One that breaks before an answer may have been closed by the store
 * a moment ago, or with a refusal that was lost: the request is tried once more on a connection of its own, where doing
 * it twice is doing it once. Rejects with what node:http says; silence is ETIMEDOUT.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import type { Clock } from "#base/clock.ts";

import { type S3Answer, readAnswer } from "./s3-answer.ts";
import { bodyHeaders, sendBody } from "./s3-upload.ts";

export interface Exchange {
  readonly url: URL;
  readonly method: "PUT" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
}

export interface LineOptions {
  readonly clock: Clock;
  /** PEM; null stands for the authorities of the system */
  readonly ca: string | null;
  readonly isTls: boolean;
  readonly connectMs: number;
  /** The longest silence. */
  readonly answerMs: number;
  readonly maxConnections: number;
}

/** Cut off, or an answer to something else. */
const BROKEN = /^(?:ECONNRESET|EPIPE|HPE_\w+)$/;

export class S3Lines {
  readonly #options: LineOptions;
  readonly #kept: HttpAgent;

  constructor(options: LineOptions) {
    this.#options = options;
    const rules = { keepAlive: true, maxSockets: options.maxConnections, timeout: options.answerMs };
    this.#kept = options.isTls ? new HttpsAgent(rules) : new HttpAgent(rules);
  }

  exchange(asked: Exchange): Promise<S3Answer> {
    return this.#exchange(asked, this.#kept);
  }

  close(): void {
    this.#kept.destroy();
  }

  #exchange(asked: Exchange, agent: HttpAgent | false): Promise<S3Answer> {
    const request = this.#open(asked, agent);
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      request.once("response", (response) => {
        isAnswered = true;
        void readAnswer(request, response).then(resolve, reject);
      });
      // Stays for what the line says after the answer, which is the reader's.
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (isAnswered) return;
        const isBroken = BROKEN.test(error.code ?? "") && !asked.signal.aborted;
        if (isBroken && agent !== false && asked.method !== "POST")
          void this.#exchange(asked, false).then(resolve, reject);
        else reject(error);
      });
      sendBody(request, asked.body, { clock: this.#options.clock, isSecondTry: agent === false });
    });
  }

  #open({ url, method, headers, body, signal }: Exchange, agent: HttpAgent | false): ClientRequest {
    const { isTls, ca, clock, connectMs, answerMs } = this.#options;
    const request = (isTls ? httpsRequest : httpRequest)(url, {
      method,
      headers: { ...headers, ...bodyHeaders(body) },
      agent,
      signal,
      timeout: answerMs,
      ...(ca === null ? {} : { ca }),
    });
    request.on("timeout", () => request.destroy(tooSlow("no answer in time")));
    request.once("socket", (socket) => {
      if (!socket.connecting) return;
      const timer = clock.after(connectMs, () => request.destroy(tooSlow("no connection in time")));
      socket.once(isTls ? "secureConnect" : "connect", () => timer.cancel());
      socket.once("close", () => timer.cancel());
    });
    return request;
  }
}

function tooSlow(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}
