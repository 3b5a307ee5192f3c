/** The door of mail that scripts decide about: verified before they see it, signed behind what they change (pure). */
import type { Authentication, MayRelay } from "../authentication/authentication.ts";
import type { Intake } from "../intake/intake.ts";
import type { ScriptedDoor } from "../intake/scripted-intake.ts";

export function scriptedDoor(
  parts: Omit<ScriptedDoor, "storing" | "verifying">,
  authentication: Authentication,
  { door, mayRelay }: { readonly door: Intake; readonly mayRelay: MayRelay },
): ScriptedDoor {
  return {
    ...parts,
    storing: authentication.signing(door, mayRelay),
    verifying: (inner) => authentication.verifying(inner, mayRelay),
  };
}
