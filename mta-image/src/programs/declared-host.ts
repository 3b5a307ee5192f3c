/**
 * What scripts may call in an engine beside the actions of their hook, for programs that look at scripts or write of them: the
 * library, what rooms of the engine add to it, and the class FFI where it is allowed. Declarations alone are of interest: nothing of it
 * is called.
 */
import { loadForeign } from "../plugins/ffi/class.ts";
import type { NativeAddon } from "../plugins/native.ts";
import { type Host, mergeHosts } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import type { Lookup } from "../spamhaus/lookup.ts";
import { spamhausHost } from "../spamhaus/script-functions.ts";

/** Of rooms of the engine. */
export const engineHost: Host = spamhausHost({ settings: null, lookup: null as unknown as Lookup });

export async function foreignHost(): Promise<Host> {
  return (await loadForeign(null as unknown as NativeAddon, null)).host;
}

export async function declaredHost({ ffi }: { readonly ffi: boolean }): Promise<Host> {
  return mergeHosts(libraryHost, engineHost, ...(ffi ? [await foreignHost()] : []));
}
