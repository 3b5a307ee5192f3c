/** One page of entries that are numbered in the order they came, out of any order. Bounded in what it keeps; pure. */

/** Numbers above `after`, lowest first, at most `limit` of them; `next` is null when there are no more. */
export function pageOf<T extends { readonly number: number }>(
  entries: Iterable<T>,
  { after, limit }: { readonly after: number; readonly limit: number },
): { readonly entries: T[]; readonly next: number | null } {
  let lowest: T[] = [];
  let bound = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    if (entry.number <= after || entry.number >= bound) continue;
    lowest.push(entry);
    // One more than the page says whether there are more.
    if (lowest.length < 2 * (limit + 1)) continue;
    lowest = firstOf(lowest, limit + 1);
    bound = lowest.at(-1)?.number ?? bound;
  }
  const found = firstOf(lowest, limit + 1);
  const page = found.slice(0, limit);
  return { entries: page, next: found.length > limit ? (page.at(-1)?.number ?? null) : null };
}

function firstOf<T extends { readonly number: number }>(entries: readonly T[], count: number): T[] {
  return entries.toSorted((a, b) => a.number - b.number).slice(0, count);
}
