/**
 * Certificates and keys from files to TLS contexts. A file that cannot be read or used throws a Failure
 * `certificate-unusable` that names it; nothing of a key ever reaches the message.
 */
import { readFile } from "node:fs/promises";
import { X509Certificate, constants } from "node:crypto";
import { type SecureContext, createSecureContext } from "node:tls";

import { Failure, describe } from "#base/error.ts";

const RULES = {
  minVersion: "TLSv1.2",
  sessionIdContext: "smtpd",
  // A client could make the server work for nothing as often as it likes.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** What a context from here was made of, in PEM. */
const certificates = new WeakMap<SecureContext, Buffer>();

/** When the certificate of a context from here ends, wall-clock ms. */
export function endOf(context: SecureContext): number {
  const pem = certificates.get(context);
  return pem === undefined ? Number.NaN : new X509Certificate(pem).validToDate.getTime();
}

export async function loadContexts(
  keys: readonly { readonly id: string; readonly cert: string; readonly key: string }[],
): Promise<ReadonlyMap<string, SecureContext>> {
  return new Map(
    await Promise.all(
      keys.map(async (key): Promise<[string, SecureContext]> => [key.id, await loadContext(key)]),
    ),
  );
}

async function loadContext(files: { readonly cert: string; readonly key: string }): Promise<SecureContext> {
  const [cert, key] = await Promise.all([read(files.cert), read(files.key)]);
  try {
    const context = createSecureContext({ cert, key, ...RULES });
    certificates.set(context, cert);
    return context;
  } catch (cause) {
    throw new Failure(
      "certificate-unusable",
      `${files.cert} and ${files.key} make no certificate: ${describe(cause)}`,
      { cause },
    );
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Failure("certificate-unusable", `cannot read ${path}: ${describe(cause)}`, { cause });
  }
}
