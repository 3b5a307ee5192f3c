/**
 * The seam between sessions and whoever knows passwords. The session owns it; `password-file.ts` implements it.
 */
import type { ScramKeys } from "../smtp/scram.ts";

export interface Credentials {
  /**
   * Whether the password is the login's. Takes as long for an unknown login as for a known one. Never rejects; what
   * cannot be decided now is "unknown" and is answered with 454.
   */
  verify(login: string, password: string): Promise<"right" | "wrong" | "unknown">;

  /** Absent or null where no login has keys for SCRAM-SHA-256, which is then not offered. */
  readonly scram?: ScramBook | null;
}

export interface ScramBook {
  /** Keys of the login; made up, the same each time, for one that has none. */
  keys(login: string): { readonly keys: ScramKeys; readonly isKnown: boolean };
}
