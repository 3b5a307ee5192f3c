/**
 * House rules for the tree as a whole (pure): import circles, files and exports that nobody uses, links in Markdown
 * that lead nowhere. All files are handed in as path and text.
 */
import { posix } from "node:path";

import { importsOf } from "./imports.ts";
import type { Finding } from "./rules.ts";

export type Tree = ReadonlyMap<string, string>;

export function judgeTree(tree: Tree): readonly Finding[] {
  const sources = new Map([...tree].filter(([path]) => /\.tsx?$/.test(path)));
  const edges = new Map(
    [...sources].map(([path, text]) => [
      path,
      importsOf(path, text).flatMap(({ path: target }) => target ?? []),
    ]),
  );
  return [
    ...circles(edges),
    ...deadFiles(tree, sources, edges),
    ...unusedExports(sources),
    ...brokenLinks(tree),
  ];
}

/** One finding a circle, at the file where the search closed it. */
function circles(edges: ReadonlyMap<string, readonly string[]>): readonly Finding[] {
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0)
      findings.push({ path, line: 1, text: `imports itself through ${trail.slice(at + 1).join(", ")}` });
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return findings;
}

/** Alive is what is imported, is a test, a measurement or a program by itself, or is named by path in the Makefile, a script or another file's text. */
function deadFiles(
  tree: Tree,
  sources: Tree,
  edges: ReadonlyMap<string, readonly string[]>,
): readonly Finding[] {
  const imported = new Set([...edges.values()].flat());
  const suspects = [...sources.keys()].filter(
    (path) => !imported.has(path) && !isProgram(path, sources.get(path) ?? ""),
  );
  const others = [...tree].filter(([path]) => !path.endsWith(".md"));
  return suspects
    .filter((path) => !others.some(([other, text]) => other !== path && text.includes(tailOf(path))))
    .map((path) => ({ path, line: 1, text: "is used by nobody" }));
}

function isProgram(path: string, text: string): boolean {
  return /\.(test|bench)\.ts$/.test(path) || text.includes("import.meta.main");
}

/** How other files name it when they start it: the last two parts of its path, or its name for a generator. */
function tailOf(path: string): string {
  return path
    .split("/")
    .slice(path.startsWith("tools/generate/") ? -1 : -2)
    .join("/");
}

const EXPORTED = /^export (?:async )?(?:function\*?|class|const|let|interface|type) ([A-Za-z_$][\w$]*)/gm;

/** An export must be named a second time, here or elsewhere; tests count, because what they test is a promise. */
function unusedExports(sources: Tree): readonly Finding[] {
  const uses = new Map<string, number>();
  for (const text of sources.values()) {
    for (const word of text.match(/[A-Za-z_$][\w$]*/g) ?? []) uses.set(word, (uses.get(word) ?? 0) + 1);
  }
  return [...sources].flatMap(([path, text]) =>
    [...text.matchAll(EXPORTED)]
      .filter(([, name = ""]) => (uses.get(name) ?? 0) < 2)
      .map((match) => ({
        path,
        line: text.slice(0, match.index).split("\n").length,
        text: `exports ${match[1]}, which nobody uses`,
      })),
  );
}

const LINK = /\]\(([^)\s]+)\)/g;

function brokenLinks(tree: Tree): readonly Finding[] {
  const folders = new Set(
    [...tree.keys()].flatMap((path) => path.split("/").map((_, at, all) => all.slice(0, at).join("/"))),
  );
  return [...tree]
    .filter(([path]) => path.endsWith(".md"))
    .flatMap(([path, text]) =>
      [...text.matchAll(LINK)]
        .map((match) => ({ target: (match[1] ?? "").replace(/#.*$/, ""), at: match.index }))
        .filter(({ target }) => target !== "" && !/^[a-z]+:/.test(target))
        .filter(({ target }) => {
          const to = posix.normalize(`${posix.dirname(path)}/${target}`).replace(/\/$/, "");
          return !tree.has(to) && !folders.has(to);
        })
        .map(({ target, at }) => ({
          path,
          line: text.slice(0, at).split("\n").length,
          text: `links to ${target}, which is not there`,
        })),
    );
}
