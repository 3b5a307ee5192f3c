/**
 * C functions for scripts (class FFI, plugins/ffi), where the configuration allows them: a script that may call any function
 * of any library may do whatever the process may. Off, nothing of it is loaded. Rejects with a Failure when the addon
 * cannot be had.
 */
import { loadForeign } from "../plugins/ffi/class.ts";
import { addonBesideEngine, loadNative } from "../plugins/native.ts";
import type { Host } from "../script/host.ts";
import type { NativePiece, Pieces } from "../script/mail/pieces.ts";
import type { ForeignPort } from "../script/ports.ts";
import type { Value } from "../script/value.ts";

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
      return pieces === null ? lent(bytes, values.fileValue) : values.fileValue(pieces);
    },
    certificate: values.certificateValue,
    descriptor: values.descriptorValue,
  };
  return { host, port };
}

/** The value has descriptors of its own. */
async function lent(bytes: Pieces, make: (pieces: readonly NativePiece[]) => Value): Promise<Value> {
  const { pieces, close } = await bytes.lend();
  try {
    return make(pieces);
  } finally {
    await close();
  }
}
