/**
 * What of an engine's answer is worth a pass, as text to compare (pure). Figures are rounded to two digits, so that a
 * busy queue does not wake the operator with every message; emptiness is never rounded away.
 */
import type { EngineStatus } from "#contract/admin-api.ts";
import type { ShareState } from "#contract/rules-api.ts";
import { type IsNodeAddress, newsOfClients } from "#operator/slots/client-addresses.ts";
import { isTight } from "#operator/slots/spool-space.ts";

export function newsOf(status: EngineStatus | null, isNode: IsNodeAddress = () => false): string {
  if (status === null) return "unknown";
  const { queue } = status;
  return JSON.stringify([
    status.version,
    status.startedAt,
    status.revision,
    status.state,
    status.ready,
    status.spoolClosed,
    isTight(status),
    status.drained ?? null,
    status.plugins,
    rounded(queue.total),
    rounded(queue.deferred),
    rounded(queue.hold),
    rounded(queue.oldestDueSeconds),
    rounded(queue.blocked ?? 0),
    rounded(status.handover?.unanswered ?? 0),
    status.handover?.waitsFor ?? null,
    (status.handover?.spreading ?? 0) > 0,
    status.spamhaus ?? null,
    status.suppression?.sources ?? null,
    newsOfClients(status, isNode),
    status.share === undefined ? null : newsOfShare(status.share),
    // Only a pod that leaves is judged by these.
    status.state === "Serving"
      ? null
      : [status.sessions === 0, status.deliveries === 0, status.suppression?.unshared === true],
  ]);
}

/** By its place an engine holds more than its share at one moment and not at the next, which is no news. */
function newsOfShare({ version, place, held, isStarved }: ShareState): readonly unknown[] {
  const turn = place?.turn ?? null;
  return [version, turn === null ? rounded(held) : null, isStarved ?? null];
}

function rounded(figure: number): number {
  return figure === 0 ? 0 : Number(figure.toPrecision(2));
}
