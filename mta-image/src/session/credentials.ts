/**
 * The seam between sessions and whoever knows passwords. The session owns it; `password-file.ts` implements it.
 */
export interface Credentials {
  /**
   * Whether the password is the login's. Takes as long for an unknown login as for a known one. Never rejects; what
   * cannot be decided now is "unknown" and is answered with 454.
   */
  verify(login: string, password: string): Promise<"right" | "wrong" | "unknown">;
}
