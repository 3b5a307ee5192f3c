/**
 * Batches of messages as bytes and back (pure): the frames of contract/transfer-api.ts. Reading is strict: a
 * batch that is cut, has a head that breaks the schema or bytes left over throws a Failure `batch-broken` and
 * nothing of it is used.
 */
import { Failure } from "#base/error.ts";
import { parseJson } from "#base/json.ts";
import { FrameHead } from "#contract/transfer-api.ts";

export interface Frame {
  readonly head: FrameHead;
  readonly content: Buffer;
}

const LENGTHS_BYTES = 8;
/** A head holds addresses and states: 100,000 recipients with long replies stay below this. */
const MAX_HEAD_BYTES = 32 * 1024 * 1024;

export function encodeFrame({ head, content }: Frame): Buffer[] {
  const json = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.allocUnsafe(LENGTHS_BYTES);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeUInt32BE(content.length, 4);
  return [lengths, json, content];
}

export function decodeFrames(batch: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < batch.length; ) {
    if (batch.length - at < LENGTHS_BYTES) throw broken("it ends inside a frame");
    const headBytes = batch.readUInt32BE(at);
    const contentBytes = batch.readUInt32BE(at + 4);
    const contentAt = at + LENGTHS_BYTES + headBytes;
    if (headBytes > MAX_HEAD_BYTES || contentAt + contentBytes > batch.length) {
      throw broken("a frame is longer than the batch");
    }
    const head = decodeHead(batch.subarray(at + LENGTHS_BYTES, contentAt));
    frames.push({ head, content: batch.subarray(contentAt, contentAt + contentBytes) });
    at = contentAt + contentBytes;
  }
  return frames;
}

function decodeHead(bytes: Buffer): FrameHead {
  const parsed = FrameHead.safeParse(headJson(bytes));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw broken(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { envelope, states } = parsed.data;
  if (envelope.recipients.length !== states.length) throw broken("states do not match recipients");
  return parsed.data;
}

function headJson(bytes: Buffer): unknown {
  try {
    return parseJson(bytes.toString("utf8"));
  } catch {
    throw broken("a head is not JSON");
  }
}

function broken(reason: string): Failure {
  return new Failure("batch-broken", `the batch cannot be read: ${reason}`, { transient: false });
}
