/**
 * How often each plugin has brought an engine down: the native side appends a line to a file as the process dies
 * (native/src/blame.cc), and the next process reads it here. The file is cut to its last lines when it has grown. One
 * that is not there says nothing; one that cannot be read is a Failure, as other trouble with the folder is.
 */
import { readFile } from "node:fs/promises";

import { Failure, describe } from "#base/error.ts";
import { replaceFile } from "#base/kept-file.ts";

const MOST_LINES = 1000;
const NOTE = /^crash in plugin (.+?)(?:, function \S*)?$/;

/** By plugin id. */
export async function readCrashes(path: string): Promise<Map<string, number>> {
  const lines = (await textOf(path)).split("\n").filter((line) => line !== "");
  // On a full disk it stays as long as it is: plugins must not keep mail from moving for that.
  if (lines.length > MOST_LINES)
    await replaceFile(path, `${lines.slice(-MOST_LINES).join("\n")}\n`).catch(() => undefined);
  return countCrashes(lines);
}

export function countCrashes(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const id = NOTE.exec(line)?.[1];
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new Failure("plugin-folder", `${path} cannot be read: ${describe(error)}`, { cause: error });
  }
}
