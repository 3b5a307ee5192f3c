/**
 * A route as a value: who may call it, what it takes, what it gives and what it does. app.ts makes them into paths,
 * openapi.ts into their description, so that neither says anything that the other does not.
 */
import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";

import type { Role } from "#web/shared/web-api.ts";

import type { Visitor } from "./sessions.ts";

export interface Call<B> {
  readonly body: B;
  readonly params: Readonly<Record<string, string>>;
  /** Of a route for somebody; `role: null` gets whoever comes. */
  readonly visitor: Visitor | null;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** What the audit log is to keep besides, once it is known. */
  readonly tell: (detail: string) => void;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With `:name` for parameters, below /api. */
  readonly path: string;
  /** In the audit log and in the description, such as "queue.change". */
  readonly name: string;
  readonly summary: string;
  /** The least role; null: anybody. */
  readonly role: Role | null;
  /** Changes something: needs the page's token (where it is for somebody) and is written down. */
  readonly isAction: boolean;
  /** A place that browsers go to: it answers with a Redirect, and a refusal leads to the page too. */
  readonly isBrowsed: boolean;
  readonly body: z.ZodType | null;
  /** Null: a redirection, or a stream that the summary describes. */
  readonly answer: z.ZodType | null;
  /** What the audit log keeps of a request that was understood; "" keeps nothing. */
  readonly detail: (body: unknown, params: Readonly<Record<string, string>>) => string;
  /** What the audit log keeps of an answer. */
  readonly result: (answer: unknown) => string;
  readonly handle: (call: Call<unknown>) => Promise<unknown>;
}

interface RouteOptions<B, A> {
  readonly method: Route["method"];
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly role: Role | null;
  /** For a POST that only asks. */
  readonly isAction?: boolean;
  readonly isBrowsed?: boolean;
  readonly body?: z.ZodType<B>;
  readonly answer?: z.ZodType<A>;
  readonly detail?: (body: B, params: Readonly<Record<string, string>>) => string;
  readonly result?: (answer: A) => string;
  readonly handle: (call: Call<B>) => Promise<A>;
}

/** The body was checked by its schema before it comes to `handle`, which is what makes the casts true. */
export function route<B, A>(options: RouteOptions<B, A>): Route {
  const { detail = () => "", result = () => "", body = null, isAction = options.method !== "GET" } = options;
  const { isBrowsed = false, answer = null } = options;
  return {
    ...options,
    isAction,
    isBrowsed,
    body,
    answer,
    detail: (given, params) => detail(given as B, params),
    result: (answer) => result(answer as A),
    handle: (call) => options.handle(call as Call<B>),
  };
}

/** An answer that sends the browser elsewhere. */
export class Redirect {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }
}

/** An answer that goes on for a while. */
export class Streamed {
  readonly body: Readable;
  readonly type: string;

  constructor(body: Readable, type: string) {
    this.body = body;
    this.type = type;
  }
}

/** An answer that is a refusal, with a sentence for the page. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
