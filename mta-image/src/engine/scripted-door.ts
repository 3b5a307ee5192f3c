/** The door of mail that scripts decide about: verified before they see it, signed behind what they change (pure). */
import type { Authentication } from "../authentication/authentication.ts";
import type { Intake } from "../intake/intake.ts";
import type { ScriptedDoor } from "../intake/scripted-intake.ts";

export function scriptedDoor(
  parts: Omit<ScriptedDoor, "storing" | "verifying">,
  authentication: Authentication,
  door: Intake,
): ScriptedDoor {
  return {
    ...parts,
    storing: authentication.signing(door),
    verifying: (inner) => authentication.verifying(inner),
  };
}
