/** What an engine shows its peers: PEM files and a token, which are renewed while it runs. */
import { readFile } from "node:fs/promises";

import { Failure, describe } from "#base/error.ts";

/** Paths. */
export interface PeerKeys {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly tokenFile: string;
}

/** Their contents. Rejects with a Failure `peer-keys-unusable` that names the file. */
export async function readPeerKeys({
  ca,
  cert,
  key,
  tokenFile,
}: PeerKeys): Promise<{ ca: string; cert: string; key: string; token: string }> {
  const [caText, certText, keyText, token] = await Promise.all([
    read(ca),
    read(cert),
    read(key),
    read(tokenFile),
  ]);
  return { ca: caText, cert: certText, key: keyText, token: token.trim() };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Failure("peer-keys-unusable", `cannot read ${path}: ${describe(cause)}`, { cause });
  }
}
