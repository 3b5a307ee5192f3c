/**
 * Files, certificates and keys between scripts and native plugins: values of the script language, FILE* and DER on the
 * other side. A file that is neither in memory nor open is opened for them.
 */
import { type KeyObject, X509Certificate, createPrivateKey } from "node:crypto";

import type { Resources } from "../plugins/values.ts";
import { fileBytes } from "../script/library/file.ts";
import { keyClasses, keyKind, privateKey } from "../script/library/keys.ts";
import { x509Resource } from "../script/library/x509.ts";

export const pluginResources: Resources = {
  encode: (value) => {
    const bytes = fileBytes(value);
    if (bytes !== undefined) {
      const pieces = bytes.native();
      return pieces === null ? { kind: "unopened", open: () => bytes.lend() } : { kind: "file", pieces };
    }
    if (value.state instanceof X509Certificate) return { kind: "x509", der: value.state.raw };
    if (!keyClasses.some((cls) => cls === value.cls)) return null;
    const der = (value.state as KeyObject).export({ type: "pkcs8", format: "der" });
    return { kind: "privatekey", der };
  },
  decode: (kind, der) => {
    if (kind === "x509") return x509Resource(new X509Certificate(der));
    const key = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
    const known = keyKind(key);
    return known === null ? null : privateKey(known, key);
  },
};
