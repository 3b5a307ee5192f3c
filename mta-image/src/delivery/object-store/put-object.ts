/**
 * Puts one message into the store: in one request when it fits into a part, else in parts, of which one is in memory at
 * a time. Parts that were sent for nothing are given up at the store. Resolves with the answer that counts: 200 means
 * that the object is there, whole. Rejects like the client, or when the pieces cannot be read.
 */
import type { Content } from "../../spool/spool.ts";
import type { S3Answer } from "./s3-answer.ts";
import { type S3Client, sha256 } from "./s3-client.ts";

export interface PutOptions {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Content;
  readonly signal: AbortSignal;
}

export async function putObject(client: S3Client, options: PutOptions): Promise<S3Answer> {
  const parts = readParts(options.content, client.settings.partBytes);
  const first = (await parts.next()).value ?? Buffer.alloc(0);
  const second = first.length < client.settings.partBytes ? undefined : (await parts.next()).value;
  if (second === undefined) return putWhole(client, options, first);
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield first;
    yield second;
    yield* parts;
  };
  return putParts(client, options, rest());
}

function putWhole(client: S3Client, options: PutOptions, body: Buffer): Promise<S3Answer> {
  const { key, signal } = options;
  const headers = { ...options.headers, "x-amz-checksum-sha256": sha256(body, "base64") };
  return client.send({ method: "PUT", key, headers, body }, signal);
}

async function putParts(
  client: S3Client,
  options: PutOptions,
  parts: AsyncIterable<Buffer>,
): Promise<S3Answer> {
  const { key, headers, signal } = options;
  const begun = await client.send(
    { method: "POST", key, headers, query: { uploads: "" }, body: nothing },
    signal,
  );
  const uploadId = /<UploadId>([^<]{1,1024})<\/UploadId>/.exec(begun.body)?.[1];
  if (begun.status !== 200 || uploadId === undefined) return notThere(begun);
  let isWhole = false;
  try {
    const tags: string[] = [];
    for await (const body of parts) {
      const query = { partNumber: String(tags.length + 1), uploadId };
      const sent = await client.send({ method: "PUT", key, query, body }, signal);
      if (sent.status !== 200) return notThere(sent);
      tags.push(sent.etag);
    }
    const body = Buffer.from(completion(tags));
    const done = await client.send({ method: "POST", key, query: { uploadId }, body }, signal);
    // The answer begins before the store knows: an error may come behind 200.
    isWhole = done.status === 200 && COMPLETED.test(done.body);
    return isWhole ? done : notThere(done);
  } finally {
    if (!isWhole) await giveUp(client, key, uploadId);
  }
}

const nothing = Buffer.alloc(0);
const NO_ANSWER = 500;
/** To its end, since an answer may be cut. */
const COMPLETED = /<\/CompleteMultipartUploadResult>\s*$/;
const GIVE_UP_MS = 10_000;

/** A success that does not say what it must is none: nobody knows that the object is there, so it is put again. */
function notThere(answer: S3Answer): S3Answer {
  return answer.status >= 300 ? answer : { ...answer, status: NO_ANSWER };
}

/** What cannot be given up now goes by the store's own rules for unfinished uploads. */
async function giveUp(client: S3Client, key: string, uploadId: string): Promise<void> {
  const signal = AbortSignal.timeout(GIVE_UP_MS);
  await client.send({ method: "DELETE", key, query: { uploadId }, body: nothing }, signal).catch(() => {});
}

function completion(tags: readonly string[]): string {
  const parts = tags.map(
    (tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag.replace(/[<>&]/g, "")}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
}

/** Pieces put together to parts of exactly this size; only the last is smaller. */
async function* readParts(content: Content, partBytes: number): AsyncGenerator<Buffer, undefined> {
  if (content.kind === "memory") {
    for (let at = 0; at < content.bytes.length; at += partBytes)
      yield content.bytes.subarray(at, at + partBytes);
    return;
  }
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const piece of content.chunks()) {
    let rest = piece;
    while (bytes + rest.length >= partBytes) {
      const room = partBytes - bytes;
      yield Buffer.concat([...held, rest.subarray(0, room)]);
      rest = rest.subarray(room);
      held = [];
      bytes = 0;
    }
    if (rest.length > 0) held.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield Buffer.concat(held);
}
