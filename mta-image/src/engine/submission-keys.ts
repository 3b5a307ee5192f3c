/** The keys that who submits over HTTP may show. They lie in a file, since they are renewed while the engine runs. */
import { readFile } from "node:fs/promises";

import { isSameSecret } from "#base/secret.ts";

/** Every key of the file is compared, so that the time taken tells nothing. Rejects when the file cannot be read. */
export async function isKeyOf(path: string, shown: string): Promise<boolean> {
  const keys = (await readFile(path, "utf8"))
    .split(/\r?\n/)
    .filter((line) => line !== "" && !line.startsWith("#"));
  return keys.map((key) => isSameSecret(shown, key)).includes(true);
}
