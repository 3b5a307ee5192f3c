/** Private keys of data files, whatever kind they are. */
import { kinds, type Kind, privateKey, readPrivate } from "../library/keys.ts";
import type { HostObject } from "../value.ts";

/** Null when the text is no private key. */
export function anyPrivateKey(text: string): HostObject | null {
  for (const kind of Object.keys(kinds) as Kind[]) {
    const read = readPrivate(kind, text);
    if (read !== null) return privateKey(kind, read);
  }
  return null;
}
