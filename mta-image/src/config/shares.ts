/**
 * The share of this engine in the limits of its cluster, kept on disk. Writing is durable before it resolves, or rejects
 * with a Failure. A file that cannot be read counts as none: whoever hands shares out looks and sets it again.
 *
 * A lone engine keeps it beside the spool and has the whole until somebody says otherwise. One of a cluster keeps it in the
 * folder of pushed files, which lives as long as its pod: its share holds from the first attempt after a restart on,
 * and a new pod that takes a spool over begins with nothing, since the others may have been given what its predecessor
 * had (docs/decisions/0009).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Failure, describe } from "#base/error.ts";
import { replaceFile } from "#base/kept-file.ts";
import { ShareState } from "#contract/rules-api.ts";

const FILE = "shares.json";

/** What lasts of a ShareState. */
export type KeptShare = Omit<ShareState, "held" | "isStarved">;
const KeptShare = ShareState.omit({ held: true, isStarved: true }).extend({
  /** Files of early versions have none. */
  version: ShareState.shape.version.default(0),
});

export const wholeShare: KeptShare = { shares: { n: 1, of: 1 }, version: 0 };
const noShare: KeptShare = { shares: { n: 0, of: 1 }, version: 0 };

export interface SharePlace {
  readonly folder: string;
  /** What holds while nothing has been kept. */
  readonly initial: KeptShare;
}

/** `pushedFolder` is null where no operator speaks to the engine. */
export function sharePlace(spoolFolder: string, pushedFolder: string | null): SharePlace {
  return pushedFolder === null
    ? { folder: spoolFolder, initial: wholeShare }
    : { folder: pushedFolder, initial: noShare };
}

export async function readShare({ folder, initial }: SharePlace): Promise<KeptShare> {
  try {
    return KeptShare.parse(JSON.parse(await readFile(join(folder, FILE), "utf8")));
  } catch {
    return initial;
  }
}

export async function writeShare({ folder }: SharePlace, share: KeptShare): Promise<void> {
  try {
    await replaceFile(join(folder, FILE), JSON.stringify(share));
  } catch (cause) {
    throw new Failure("shares-not-kept", `the share could not be kept in ${folder}: ${describe(cause)}`, {
      cause,
    });
  }
}
