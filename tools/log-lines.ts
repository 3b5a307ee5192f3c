/**
 * Every log line that the engine's source writes, found by reading it: level, name and the fields of its object, so that a
 * test can hold docs/logging.md against them. Calls whose name is not written there are left out.
 */
import { readFileSync } from "node:fs";

import { listFiles, root } from "./tree.ts";

export interface LogLine {
  readonly path: string;
  readonly level: string;
  readonly name: string;
}

export function logLines(): LogLine[] {
  const files = listFiles().filter((path) => /^(?:mta-image\/src|base)\/.*\.ts$/.test(path));
  return files
    .filter((path) => !path.endsWith(".test.ts") && !path.includes("/testing/"))
    .flatMap((path) => linesOf(path, readFileSync(`${root}${path}`, "utf8")));
}

function linesOf(path: string, text: string): LogLine[] {
  return [...text.matchAll(/\blog\??\.(debug|info|warn|error)\(/g)].flatMap((match) => {
    const call = argumentsOf(text, match.index + match[0].length);
    const name = /"([a-z][a-z0-9-]+)",?\s*$/.exec(call)?.[1];
    return name === undefined ? [] : [{ path, level: match[1] ?? "", name }];
  });
}

/** Up to the parenthesis that closes the call. */
function argumentsOf(text: string, start: number): string {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return text.slice(start, at);
  }
  return "";
}
