/**
 * Keys and certificates for scripts by the names that pki.private of smtpd.yaml gives them. Files are read when a script
 * asks, so a renewed one counts at once; one that cannot be read is a key that is not there.
 */
import { readFileSync } from "node:fs";

import type { KeyPort } from "../script/ports.ts";

export interface KeyFiles {
  readonly id: string;
  /** Paths of PEM files. */
  readonly key: string;
  readonly cert?: string | undefined;
}

export function configuredKeys(files: () => readonly KeyFiles[]): KeyPort {
  const find = (id: string): KeyFiles | undefined => files().find((one) => one.id === id);
  return {
    privateKey: (id) => read(find(id)?.key),
    certificate: (id) => read(find(id)?.cert),
  };
}

function read(path: string | undefined): string | null {
  try {
    return path === undefined ? null : readFileSync(path, "latin1");
  } catch {
    return null;
  }
}
