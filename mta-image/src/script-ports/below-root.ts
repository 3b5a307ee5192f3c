/** Which paths of scripts lie below a folder that is theirs. */
import { realpathSync } from "node:fs";
import { sep } from "node:path";

/** Where `path` really is, links followed; null above the root. Throws when it is not there. */
export function belowRoot(root: string, path: string): string | null {
  const [real, base] = [realpathSync(path), realpathSync(root)];
  return real === base || real.startsWith(base.endsWith(sep) ? base : base + sep) ? real : null;
}
