/**
 * Fresh credentials for each call. Files (the pod's token above all, which Kubernetes rotates within the hour) are
 * read again when the last look is older than a minute or the server has just refused us; while their bytes stay
 * the same, the same `tls` object is returned, so the connection knows when to build new sockets.
 * A file that cannot be read rejects with a KubeFailure "refused" (transient: it may be in the middle of a swap).
 */
import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";

import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import { KubeFailure } from "./errors.ts";
import type { AccessDescription, Material } from "./kubeconfig.ts";

export interface TlsMaterial {
  readonly ca: Buffer | null;
  readonly certificate: Buffer | null;
  readonly key: Buffer | null;
}

export interface Credentials {
  readonly authorization: string | null;
  readonly tls: TlsMaterial;
}

/** Same as client-go: a token is valid for longer than this after the kubelet has replaced it. */
const FRESH_MS = 60_000;

export class CredentialSource {
  readonly #description: AccessDescription;
  readonly #clock: Clock;
  readonly #exec = new ExecAuth();
  #current: { readonly readAt: number; readonly credentials: Credentials } | null = null;
  #reading: Promise<Credentials> | null = null;

  constructor(description: AccessDescription, clock: Clock) {
    this.#description = description;
    this.#clock = clock;
  }

  /** Concurrent callers share one read. */
  current(): Promise<Credentials> {
    const known = this.#current;
    if (known !== null && this.#clock.monotonic() - known.readAt < FRESH_MS)
      return Promise.resolve(known.credentials);
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  /** The server has answered 401: look at the files again before the next call. */
  refused(): void {
    if (this.#current !== null) this.#current = { ...this.#current, readAt: Number.NEGATIVE_INFINITY };
  }

  async #read(): Promise<Credentials> {
    const fresh = await this.#gather();
    const before = this.#current?.credentials;
    const tls = before !== undefined && isSame(before.tls, fresh.tls) ? before.tls : fresh.tls;
    const credentials = { authorization: fresh.authorization, tls };
    this.#current = { readAt: this.#clock.monotonic(), credentials };
    return credentials;
  }

  async #gather(): Promise<Credentials> {
    const { ca, certificate, key, token, basic, exec } = this.#description;
    const tls = { ca: await bytes(ca), certificate: await bytes(certificate), key: await bytes(key) };
    if (exec !== null) return this.#askPlugin(tls);
    const secret = await bytes(token);
    if (secret !== null) return { authorization: `Bearer ${secret.toString("utf8").trim()}`, tls };
    if (basic === null) return { authorization: null, tls };
    const pair = Buffer.from(`${basic.username}:${basic.password}`).toString("base64");
    return { authorization: `Basic ${pair}`, tls };
  }

  async #askPlugin(tls: TlsMaterial): Promise<Credentials> {
    const answer: RequestOptions = { headers: {} };
    try {
      if (this.#description.exec !== null)
        await this.#exec.applyAuthentication(this.#description.exec, answer);
    } catch (error) {
      throw refusal("the kubeconfig's exec plugin failed", error);
    }
    const header = (answer.headers as Record<string, unknown>)["Authorization"];
    return {
      authorization: typeof header === "string" ? header : null,
      tls: {
        ca: tls.ca,
        certificate: answer.cert === undefined ? tls.certificate : Buffer.from(String(answer.cert)),
        key: answer.key === undefined ? tls.key : Buffer.from(String(answer.key)),
      },
    };
  }
}

async function bytes(material: Material | null): Promise<Buffer | null> {
  if (material === null) return null;
  if (material.kind === "inline") return material.data;
  try {
    return await readFile(material.path);
  } catch (error) {
    throw refusal(`cannot read ${material.path}`, error);
  }
}

function refusal(what: string, error: unknown): KubeFailure {
  return new KubeFailure("refused", `${what}: ${describe(error)}`, { transient: true, cause: error });
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return equal(a.ca, b.ca) && equal(a.certificate, b.certificate) && equal(a.key, b.key);
}

function equal(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
