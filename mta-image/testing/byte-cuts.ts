/**
 * The same bytes in every way a network may cut them: once in two at every position, and byte by byte. A parser
 * that gives one answer for all of them keeps no secret about chunks.
 */

/** The bytes whole, cut once at each position, and one by one. */
export function* byteCuts(bytes: Buffer): Iterable<readonly Buffer[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}
