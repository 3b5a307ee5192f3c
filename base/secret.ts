/** Whether two secrets are the same, compared by hash, so that the time taken tells nothing of either. */
import { createHash, timingSafeEqual } from "node:crypto";

export function isSameSecret(shown: string, known: string): boolean {
  return timingSafeEqual(hash(shown), hash(known));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
