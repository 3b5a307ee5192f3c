/**
 * Signed requests to an object store: SigV4 with the digest of the body signed, so a store can tell that what it got is
 * what was meant. Keys are files (a mounted Secret) and read again once a minute. An answer is a value; trouble on the
 * way rejects with what node:http says, and files that cannot be read with a Failure `object-store-keys`.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AwsV4Signer } from "aws4fetch";

import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";

import type { S3Answer } from "./s3-answer.ts";
import { S3Lines } from "./s3-lines.ts";
import type { ObjectStoreSettings } from "./settings.ts";

export interface S3Request {
  readonly method: "PUT" | "POST" | "DELETE";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface Access {
  readonly key: string;
  readonly secret: string;
  readonly token: string | null;
  readonly lines: S3Lines;
  readonly until: number;
}

const READ_AGAIN_MS = 60_000;

export class S3Client {
  readonly settings: ObjectStoreSettings;
  readonly #clock: Clock;
  readonly #end = new AbortController();
  #access: Access | null = null;

  constructor(settings: ObjectStoreSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  async send(asked: S3Request, signal: AbortSignal): Promise<S3Answer> {
    const { endpoint, bucket, region } = this.settings;
    const { key, secret, token, lines } = await this.#keys();
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
    const what = { url: new URL(signed.url), method: asked.method, body: asked.body };
    const headers = Object.fromEntries(signed.headers);
    return lines.exchange({ ...what, headers, signal: AbortSignal.any([signal, this.#end.signal]) });
  }

  /** What is under way breaks off. */
  close(): void {
    this.#end.abort();
    this.#access?.lines.close();
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
    const lines = known?.lines ?? this.#makeLines(ca);
    this.#access = { key, secret, token, lines, until: now + READ_AGAIN_MS };
    return this.#access;
  }

  #makeLines(ca: string | null): S3Lines {
    const { connectMs, answerMs, maxConnections, endpoint } = this.settings;
    const isTls = endpoint.startsWith("https:");
    return new S3Lines({ clock: this.#clock, ca, isTls, connectMs, answerMs, maxConnections });
  }
}

async function readKey(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    throw new Failure("object-store-keys", `${file} cannot be read`, { cause });
  }
}

export function sha256(body: Buffer, encoding: "hex" | "base64" = "hex"): string {
  return createHash("sha256").update(body).digest(encoding);
}
