/**
 * What an object store's answer means for mail (pure). A fault of the configuration or of keys must not bounce mail, so
 * only what speaks of this very message fails it. A line that breaks leaves nothing unclear: the next attempt writes the
 * same bytes under the same key.
 */
import type { Outcome, OutcomeKind } from "../../queue/courier.ts";
import { oneLine } from "../outcome.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { S3Answer } from "./s3-answer.ts";

interface Meaning {
  readonly kind: OutcomeKind;
  readonly status: string;
}

const WRONG_SETTINGS: Meaning = { kind: "deferred", status: "4.3.5" };
const BUSY: Meaning = { kind: "deferred", status: "4.3.2" };
const BROKEN_ON_THE_WAY: Meaning = { kind: "deferred", status: "4.4.2" };

/**
 * What S3 says of one message: its bytes, or its addresses. All other words are of keys, settings or the store. So are
 * those of an object's name, which is the prefix of the settings and our own id, and InvalidArgument: Cloudflare R2 says
 * it to an access key of the wrong length (grafana/loki#9224). A 413 without a word of S3 is a proxy's in front of it.
 */
const OF_THE_MESSAGE: ReadonlyMap<string, Meaning> = new Map([
  ["EntityTooLarge", { kind: "failed", status: "5.3.4" }],
  ["MetadataTooLarge", { kind: "failed", status: "5.6.0" }],
]);

/** The message did not arrive as it was sent, or not in time. */
const OF_THE_WAY = new Set([
  ...["BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "RequestTimeout", "InvalidDigest"],
  ...["RequestTimeTooSkewed", "ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "NoSuchUpload"],
]);

/** What clients of S3 (of AWS and of MinIO) try again by its code, whatever the status. */
const OF_A_BUSY_STORE = new Set([
  ...["InternalError", "SlowDown", "ServiceUnavailable", "PriorRequestNotComplete", "RequestLimitExceeded"],
  ...["Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"],
  ...["RequestThrottledException", "TooManyRequestsException", "BandwidthLimitExceeded"],
]);

/** `now` in wall-clock ms. */
export function outcomeOfAnswer(answer: S3Answer, place: string, now: number): Outcome {
  const code = /<Code>([A-Za-z0-9.]{1,100})<\/Code>/.exec(answer.body)?.[1] ?? "";
  if (answer.status >= 200 && answer.status < 300) {
    const reply = oneLine(`HTTP ${answer.status} stored ${answer.etag}`);
    return { kind: "delivered", status: "2.0.0", reply, remoteMta: place };
  }
  const meaning = meaningOf(answer.status, code);
  const notBeforeMs = meaning === BUSY ? retryAfterMs(answer.retryAfter, now) : 0;
  return {
    ...meaning,
    reply: oneLine(`HTTP ${answer.status} ${code}`.trim()),
    remoteMta: place,
    ...(notBeforeMs === 0 ? {} : { notBeforeMs }),
  };
}

export function outcomeOfTransfer(reason: string, place: string): Outcome {
  return {
    kind: "deferred",
    status: "4.4.1",
    reply: oneLine(`The object store: ${reason}`),
    remoteMta: place,
  };
}

function meaningOf(status: number, code: string): Meaning {
  const ofTheMessage = status < 500 ? OF_THE_MESSAGE.get(code) : undefined;
  if (ofTheMessage !== undefined) return ofTheMessage;
  if (OF_A_BUSY_STORE.has(code)) return BUSY;
  if (status === 400 && OF_THE_WAY.has(code)) return BROKEN_ON_THE_WAY;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return BUSY;
  return WRONG_SETTINGS;
}
