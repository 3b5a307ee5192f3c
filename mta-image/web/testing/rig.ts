/**
 * The web server over engines that a test names, on a free port, with one user of each role, and a visitor that keeps
 * cookie and token like a browser would.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock } from "#base/clock.ts";
import { type Log, silentLog } from "#base/log.ts";
import { hashPassword } from "#web/server/password.ts";
import type { ClusterPlace } from "#web/server/mail-cluster.ts";
import { startWeb } from "#web/server/start.ts";
import type { NameService } from "#web/server/targets.ts";
import { WebConfig } from "#web/server/web-config.ts";
import type { SessionView } from "#web/shared/web-api.ts";

export const PASSWORD = "correct horse";

export interface WebRig {
  readonly url: string;
  readonly folder: string;
  /** As fastify lists them. */
  readonly paths: string;
  /** Nobody yet. */
  visitor(headers?: Readonly<Record<string, string>>): WebVisitor;
  /** Logged in. */
  as(user: "viewer" | "operator" | "admin"): Promise<WebVisitor>;
  stop(): Promise<void>;
}

export async function startRig(options: {
  readonly engines: object;
  readonly token?: string;
  readonly further?: object;
  readonly pages?: string;
  readonly names?: NameService;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly cluster?: ClusterPlace;
}): Promise<WebRig> {
  const folder = mkdtempSync(join(tmpdir(), "web-"));
  writeFileSync(join(folder, "token"), options.token ?? "none");
  writeFileSync(join(folder, "key"), "k".repeat(40));
  const password = await hashPassword(PASSWORD);
  const users = ["viewer", "operator", "admin"].map((role) => ({ name: role, role, password }));
  writeFileSync(join(folder, "users.yaml"), JSON.stringify({ users }));
  const config = WebConfig.parse({
    listener: { port: 0 },
    engines: { tokenfile: join(folder, "token"), timeout: "30s", ...options.engines },
    users: join(folder, "users.yaml"),
    sessions: { keyfile: join(folder, "key") },
    audit: { file: join(folder, "audit.jsonl") },
    ...options.further,
  });
  const web = await startWeb({
    file: "web.yaml",
    config,
    pages: options.pages ?? null,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    names: options.names ?? noNames,
    version: "test",
    cluster: options.cluster ?? null,
  });
  const url = `http://127.0.0.1:${web.port}`;
  return {
    url,
    folder,
    paths: web.paths,
    visitor: (headers) => new WebVisitor(url, headers),
    as: async (user) => {
      const visitor = new WebVisitor(url);
      const { status } = await visitor.login(user, PASSWORD);
      if (status !== 200) throw new Error(`cannot log in as ${user}: ${status}`);
      return visitor;
    },
    stop: async () => {
      await web.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const noNames: NameService = {
  lookup: () => Promise.reject(new Error("no names here")),
  reverse: () => Promise.reject(new Error("no names here")),
};

export interface Answer<T> {
  readonly status: number;
  readonly json: T;
  readonly headers: Headers;
}

export class WebVisitor {
  cookie = "";
  csrf = "";
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.#url = url;
    this.#headers = headers;
  }

  async login(user: string, password: string): Promise<Answer<SessionView>> {
    const answer = await this.call<SessionView>("POST", "/api/login", { user, password });
    if (answer.status === 200) {
      this.cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      this.csrf = answer.json.csrf;
    }
    return answer;
  }

  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(this.cookie === "" ? {} : { cookie: this.cookie }),
        ...(this.csrf === "" ? {} : { "x-csrf-token": this.csrf }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...this.#headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: parse(text) as T, headers: response.headers };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
