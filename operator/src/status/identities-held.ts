/** IdentitiesHeld (pure): every pod that is wanted has an address of its own to send from. */
import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

export function identitiesHeld({ identities, spec, scaled, size }: Judged): VerdictOn<"IdentitiesHeld"> {
  if (identities === null)
    return { status: "True", reason: "NoIdentities", message: "spec.identities is empty" };
  const count = spec.identities.length;
  if (size > 0 && scaled.size > count)
    return {
      status: "False",
      reason: "TooFew",
      message: `${scaled.size} pods are wanted and spec.identities has ${count}, so ${count} run: add ${scaled.size - count} to spec.identities, or ask for ${count} pods`,
    };
  const { assign, without } = identities;
  const waiting = [...assign.keys(), ...without].map((slot) => `slot ${slot}`);
  if (waiting.length > 0)
    return {
      status: "False",
      reason: "Assigning",
      message: `${listed(waiting)}: no identity yet; one is free again when the slot that had it is gone`,
    };
  return { status: "True", reason: "Held", message: "every wanted pod has an identity" };
}
