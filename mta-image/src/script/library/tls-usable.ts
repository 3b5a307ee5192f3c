/** Whether OpenSSL takes ciphers or a certificate with its key: what it does not take throws in the middle of a connection. */
import { createSecureContext } from "node:tls";

export function isUsableTls(
  options: { readonly ciphers: string } | { readonly cert: string; readonly key: string },
): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}
