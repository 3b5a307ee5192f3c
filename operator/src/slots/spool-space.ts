/** Whether the volume of a spool has room (pure), as far as its engine tells. */
import type { EngineStatus } from "#contract/admin-api.ts";

/** Below twice the floor somebody should look, while there is time: below the floor new mail is refused. */
const TIGHT_FACTOR = 2;

export function isTight({ spool }: EngineStatus): boolean {
  if (spool === undefined || spool.freeBytes === null) return false;
  return spool.freeBytes < spool.floorBytes * TIGHT_FACTOR;
}

/** It takes no mail for want of room; what it holds is safe and goes on. */
export function isFull({ spoolClosed }: EngineStatus): boolean {
  return spoolClosed === "spool-full";
}
