/**
 * No feature of the language without a script that tests it: each chapter of the manual has its folders in testdata, and each
 * keyword and each sign stands in a script there (scripts.test.ts runs them, library.test.ts those of the library).
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { tokenize } from "./lexer.ts";
import { Source } from "./source.ts";
import { keywords, signs } from "./token.ts";

const root = fileURLToPath(new URL("./testdata/", import.meta.url));
const manual = fileURLToPath(new URL("../../../docs/script-language.md", import.meta.url));

/** By chapter of docs/script-language.md; the last describes the engine, which all of them are about. */
const folders: Readonly<Record<string, readonly string[]>> = {
  Text: ["lexical", "bytes", "regex", "errors"],
  Values: ["values"],
  "Operators, from tight to loose": ["operators", "format", "slices", "spread", "destructuring", "match"],
  Statements: ["statements", "exceptions", "barrier", "cache"],
  "Functions and classes": ["functions", "closures", "generators", "classes"],
  Files: ["include", "modules", "data"],
  "What scripts reach": ["library"],
  Limits: ["limits"],
  "How it runs": [],
};

/** Public grammars list it as a keyword, and no public script or manual says what it would mean: it is only kept as a name. */
const idle = new Set(["object"]);

const scripts = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((id) => id.endsWith(".hsl"));

test("every chapter of the manual has folders of scripts, and every folder belongs to a chapter", () => {
  const chapters = [...readFileSync(manual, "utf8").matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(Object.keys(folders), chapters);
  const named = Object.values(folders).flat().sort();
  assert.deepEqual([...new Set(scripts.map((id) => id.split("/")[0]))].sort(), named);
});

test("every keyword and every sign stands in a script", () => {
  const seen = new Set<string>();
  for (const id of scripts.filter((name) => !name.startsWith("errors/"))) {
    const source = new Source(id, readFileSync(root + id, "latin1"), 0);
    for (const token of tokenize(source, () => undefined))
      if (token.kind === "word" || token.kind === "sign") seen.add(token.text);
  }
  assert.deepEqual(
    [...keywords, ...signs].filter((text) => !seen.has(text) && !idle.has(text)),
    [],
  );
});
