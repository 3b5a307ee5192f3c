/**
 * The files of this checkout as the tools see them: what git tracks or would track, with paths from the root. A file
 * that was removed but not committed yet is left out.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

export function listFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 32 << 20,
  });
  const paths = [...new Set(listed.split("\0"))].filter((path) => path !== "");
  return paths.filter((path) => existsSync(`${root}${path}`)).sort();
}
