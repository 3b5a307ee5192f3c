/** SpoolsHealthy (pure): every volume is there, has room and the size that the spec says. */
import type { ObservedSlot } from "#operator/slots/observed.ts";
import { parseQuantity } from "#operator/slots/quantity.ts";
import { isFull, isTight } from "#operator/slots/spool-space.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed, type Refused } from "./judged.ts";

type Healthy = VerdictOn<"SpoolsHealthy">;

export function spoolsHealthy(judged: Judged): Healthy {
  const { slots, spec } = judged;
  const refused = judged.refused.filter(({ kind }) => isOfSpool(kind));
  if (refused.length > 0) return refusal(refused, spec.storage.size);
  const bad = (reason: Exclude<Healthy["reason"], "Healthy">, which: typeof isLost, what: string) => {
    const found = slots.filter(which).map(({ slot }) => `slot ${slot}`);
    return found.length === 0
      ? null
      : ({ status: "False", reason, message: `${listed(found)}: ${what}` } as const);
  };
  const { minFree } = spec.config.startup;
  const trouble =
    bad("VolumeLost", isLost, "the volume is lost, and with it what the spool held") ??
    bad(
      "SpoolClosed",
      isClosed,
      "a write or sync failed, and the engine takes no mail until it starts anew",
    ) ??
    bad("SpoolFull", hasNoRoom, `new mail gets 452 until more than ${minFree.size} is free; ${GROW}`) ??
    bad(
      "SpoolPressure",
      hasLittleRoom,
      `less than twice ${minFree.size} (config.startup.minFree) is free; ${GROW}`,
    );
  if (trouble !== null) return trouble;
  const growing = slots.filter(isGrowing).map(({ slot }) => `slot ${slot}`);
  if (growing.length > 0)
    return {
      status: "Unknown",
      reason: "Resizing",
      message: `volumes grow to ${spec.storage.size}: ${listed(growing)}`,
    };
  return { status: "True", reason: "Healthy", message: "all volumes are there and have room" };
}

const GROW = "raise storage.size, or free space";

/** Other refused writes are no matter of spools. */
export function isOfSpool(kind: Refused["kind"]): boolean {
  return kind === "resize-claim" || kind === "create-claim";
}

function refusal(refused: readonly Refused[], size: string): Healthy {
  const texts = refused.map(({ slot, message }) => `slot ${slot}: ${message}`);
  const grows = refused.some(({ kind }) => kind === "resize-claim");
  const way = `volumes keep the size that they have; a storage class with allowVolumeExpansion is needed for ${size}`;
  return {
    status: "False",
    reason: grows ? "ResizeRefused" : "ClaimRefused",
    message: `${listed(texts)}${grows ? `; ${way}` : ""}`,
  };
}

const isLost = ({ claim }: ObservedSlot): boolean => claim?.phase === "Lost";
const hasNoRoom = ({ pod }: ObservedSlot): boolean => pod?.engine != null && isFull(pod.engine);
const hasLittleRoom = ({ pod }: ObservedSlot): boolean => pod?.engine != null && isTight(pod.engine);
const isClosed = ({ pod }: ObservedSlot): boolean =>
  pod?.engine != null && pod.engine.spoolClosed !== null && !isFull(pod.engine);

function isGrowing({ claim }: ObservedSlot): boolean {
  if (claim === null || claim.capacity === null || claim.isTerminating) return false;
  const [has, asked] = [parseQuantity(claim.capacity), parseQuantity(claim.size)];
  return has !== null && asked !== null && has < asked;
}
