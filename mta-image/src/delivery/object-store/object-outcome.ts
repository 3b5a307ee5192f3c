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
const UNFIT: Meaning = { kind: "failed", status: "5.6.0" };
const TOO_LARGE: Meaning = { kind: "failed", status: "5.3.4" };

/** Codes of 400 that say nothing about the message. */
const PASSING = new Set([
  ...["BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "RequestTimeout", "InvalidDigest"],
  ...["RequestTimeTooSkewed", "ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "NoSuchUpload"],
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
  if (code === "EntityTooLarge" || status === 413) return TOO_LARGE;
  if (status === 400) return PASSING.has(code) ? BROKEN_ON_THE_WAY : UNFIT;
  if (status === 411 || status === 414) return UNFIT;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return BUSY;
  return WRONG_SETTINGS;
}
