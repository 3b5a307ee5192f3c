/**
 * A key and a certificate for one address and two days, made by openssl in a temp folder: signed by an authority where one
 * is given, else one that vouches for itself.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../peers/shell.ts";

/** Paths of an authority's files. */
export interface Authority {
  readonly cert: string;
  readonly key: string;
}

export async function makeServerKeys(
  address: string,
  authority: Authority | null,
): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), "server-keys-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const names = ["-subj", "/CN=fault-proxy", "-addext", `subjectAltName=IP:${address},DNS:localhost`];
    const signer = authority === null ? [] : ["-CA", authority.cert, "-CAkey", authority.key];
    await run("openssl", ["req", "-x509", ...curve, ...names, ...signer, "-keyout", key, "-out", cert]);
    return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
