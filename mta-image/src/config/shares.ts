/**
 * The share of this engine in the limits of its cluster, kept beside the spool: it holds from the first attempt after
 * a restart on. Writing is durable before it resolves, or rejects with a Failure. A file that cannot be read counts as
 * none: whoever hands shares out looks and sets it again.
 */
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { Failure, describe } from "#base/error.ts";
import { Shares } from "#contract/rules-api.ts";

const FILE = "shares.json";

export const wholeShare: Shares = { shares: { n: 1, of: 1 } };

export async function readShares(folder: string): Promise<Shares> {
  try {
    return Shares.parse(JSON.parse(await readFile(join(folder, FILE), "utf8")));
  } catch {
    return wholeShare;
  }
}

export async function writeShares(folder: string, shares: Shares): Promise<void> {
  try {
    const file = await open(join(folder, `${FILE}.part`), "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(shares));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(join(folder, `${FILE}.part`), join(folder, FILE));
    const parent = await open(folder);
    await parent.sync().finally(() => parent.close());
  } catch (cause) {
    throw new Failure("shares-not-kept", `the share could not be kept in ${folder}: ${describe(cause)}`, {
      cause,
    });
  }
}
