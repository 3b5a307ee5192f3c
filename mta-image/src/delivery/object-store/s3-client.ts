/**
 * Signed requests to an object store: SigV4 with the digest of the body signed, so a store can tell that what it got is
 * what was meant. Keys are files (a mounted Secret) and read again once a minute. An answer is a value; trouble on the
 * way rejects with what undici says, and files that cannot be read with a Failure `object-store-keys`.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AwsV4Signer } from "aws4fetch";
import type { Agent } from "undici";

import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";

import type { ObjectStoreSettings } from "./settings.ts";

export interface S3Request {
  readonly method: "PUT" | "POST" | "DELETE";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly etag: string;
  /** XML, or "" */
  readonly body: string;
}

interface Access {
  readonly key: string;
  readonly secret: string;
  readonly token: string | null;
  readonly agent: Agent;
  readonly until: number;
}

const READ_AGAIN_MS = 60_000;
const MOST_ANSWER_BYTES = 65_536;

export class S3Client {
  readonly settings: ObjectStoreSettings;
  readonly #clock: Clock;
  #access: Access | null = null;

  constructor(settings: ObjectStoreSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  async send(asked: S3Request, signal: AbortSignal): Promise<S3Answer> {
    const { endpoint, bucket, region } = this.settings;
    const { key, secret, token, agent } = await this.#keys();
    const url = new URL(`${endpoint}/${bucket}/${asked.key}`);
    for (const [name, value] of Object.entries(asked.query ?? {})) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({
      method: asked.method,
      url: url.toString(),
      headers: { ...asked.headers, "x-amz-content-sha256": sha256(asked.body) },
      accessKeyId: key,
      secretAccessKey: secret,
      ...(token === null ? {} : { sessionToken: token }),
      service: "s3",
      region,
      datetime: new Date(this.#clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    }).sign();
    const { request } = await import("undici");
    const answer = await request(signed.url, {
      method: asked.method,
      headers: Object.fromEntries(signed.headers),
      body: asked.body,
      dispatcher: agent,
      signal,
    });
    const { etag = "" } = answer.headers;
    return { status: answer.statusCode, etag: String(etag), body: await readStart(answer.body) };
  }

  async close(): Promise<void> {
    await this.#access?.agent.destroy();
    this.#access = null;
  }

  async #keys(): Promise<Access> {
    const known = this.#access;
    const now = this.#clock.monotonic();
    if (known !== null && known.until > now) return known;
    const { keyFile, secretFile, tokenFile, caFile } = this.settings;
    const [key, secret, token, ca] = await Promise.all([
      readKey(keyFile),
      readKey(secretFile),
      tokenFile === null ? null : readKey(tokenFile),
      caFile === null ? null : readKey(caFile),
    ]);
    const agent = known?.agent ?? (await this.#makeAgent(ca));
    this.#access = { key, secret, token, agent, until: now + READ_AGAIN_MS };
    return this.#access;
  }

  /** The HTTP client is loaded here: an engine without object stores does without its 11 MB. */
  async #makeAgent(ca: string | null): Promise<Agent> {
    const { connectMs, answerMs, maxConnections } = this.settings;
    const { Agent } = await import("undici");
    return new Agent({
      connections: maxConnections,
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      connect: { timeout: connectMs, ...(ca === null ? {} : { ca }) },
    });
  }
}

async function readKey(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    throw new Failure("object-store-keys", `${file} cannot be read`, { cause });
  }
}

/** Reads on to the end, so that the connection can be used again, but keeps no more than an error needs. */
async function readStart(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes <= MOST_ANSWER_BYTES) pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

export function sha256(body: Buffer, encoding: "hex" | "base64" = "hex"): string {
  return createHash("sha256").update(body).digest(encoding);
}
