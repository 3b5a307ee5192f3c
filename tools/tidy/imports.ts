/**
 * What a TypeScript file imports (pure): specifiers in order, resolved to paths of this checkout where they are ours.
 * Reads text by pattern, which the formatter makes safe; type imports count like any other.
 */
import { posix } from "node:path";

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** What stands between `import` and `from`; empty for an import without names. */
  readonly clause: string;
  /** Path from the root for our own files, null for packages and Node's modules. */
  readonly path: string | null;
}

const ALIASES: readonly (readonly [string, string])[] = [
  ["#base/", "base/"],
  ["#contract/", "mta-image/contract/"],
  ["#mta/", "mta-image/src/"],
  ["#web/", "mta-image/web/"],
  ["#crds/", "crds/"],
  ["#operator/", "operator/src/"],
];

const IMPORT =
  /^(?:import|export)\s([\w\s{},*$]*?)\sfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;

export function importsOf(file: string, text: string): readonly Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? "";
    return {
      specifier,
      clause: match[1] ?? "",
      path: resolve(file, specifier),
      line: text.slice(0, match.index).split("\n").length,
    };
  });
}

function resolve(file: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return posix.normalize(`${posix.dirname(file)}/${specifier}`);
  const alias = ALIASES.find(([prefix]) => specifier.startsWith(prefix));
  return alias === undefined ? null : `${alias[1]}${specifier.slice(alias[0].length)}`;
}
