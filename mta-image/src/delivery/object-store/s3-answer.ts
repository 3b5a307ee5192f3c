/**
 * What a store answers. An error's status counts, whatever happens to the text behind it; a success must be whole.
 * After an error, or before the whole body was sent, a store may take the rest of the body for the next request, so that
 * line ends with the answer.
 */
import type { ClientRequest, IncomingMessage } from "node:http";

export interface S3Answer {
  readonly status: number;
  readonly etag: string;
  /** As the store says it; "" where it does not. */
  readonly retryAfter: string;
  /** XML, or "" */
  readonly body: string;
}

const MOST_ANSWER_BYTES = 65_536;

export async function readAnswer(request: ClientRequest, response: IncomingMessage): Promise<S3Answer> {
  const { statusCode: status = 0, headers } = response;
  const isCutOff = !request.writableFinished;
  if (isCutOff || status >= 400) request.shouldKeepAlive = false;
  const pieces: Buffer[] = [];
  try {
    await readStart(response, pieces);
  } catch (error) {
    if (status < 400) throw error;
  } finally {
    if (isCutOff) request.destroy();
  }
  const { etag = "", "retry-after": retryAfter = "" } = headers;
  return { status, etag, retryAfter, body: Buffer.concat(pieces).toString("utf8") };
}

/** Reads on to the end, so that the line can be used again, but keeps no more than an error needs. */
async function readStart(body: AsyncIterable<Buffer>, pieces: Buffer[]): Promise<void> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes <= MOST_ANSWER_BYTES) pieces.push(piece);
  }
}
