/**
 * C functions for scripts (class FFI, plugins/ffi), where the configuration allows them: a script that may call any function
 * of any library may do whatever the process may. Off, nothing of it is loaded. Rejects with a Failure when the addon
 * cannot be had.
 */
import { loadForeign } from "../plugins/ffi/class.ts";
import { addonBesideEngine, loadNative } from "../plugins/native.ts";
import type { Host } from "../script/host.ts";
import type { ForeignPort } from "../script/ports.ts";

export interface ForeignOffer {
  readonly host: Host;
  readonly port: ForeignPort;
}

/** `allowed`: the libraries that scripts may open; null: any. */
export async function openForeign(allowed: readonly string[] | null): Promise<ForeignOffer> {
  const { host, ...values } = await loadForeign(loadNative(addonBesideEngine()), allowed);
  const port: ForeignPort = {
    file: (bytes) => {
      const pieces = bytes.native();
      return pieces === null ? null : values.fileValue(pieces);
    },
    certificate: values.certificateValue,
    descriptor: values.descriptorValue,
  };
  return { host, port };
}
