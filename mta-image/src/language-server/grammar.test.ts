/** The extension of tools/vscode: its grammar knows the words that the language knows. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { keywords, reserved } from "../script/token.ts";

const folder = new URL("../../../tools/vscode/", import.meta.url);

const grammar = JSON.parse(readFileSync(new URL("hsl.tmLanguage.json", folder), "utf8")) as {
  patterns: { name?: string; match?: string }[];
};
const manifest = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as {
  contributes: { grammars: { path: string }[]; languages: { configuration: string }[] };
};

function scopesOf(word: string): string[] {
  return grammar.patterns.flatMap(({ name, match }) =>
    name !== undefined && match !== undefined && new RegExp(`^(?:${match})$`).test(word) ? [name] : [],
  );
}

test("every word of the language is highlighted as one, and every reserved one as a mistake", () => {
  for (const word of keywords) assert.match(scopesOf(word)[0] ?? word, /^(keyword|storage|constant)\./);
  for (const word of ["pass", "in", "this"]) assert.ok(reserved.has(word));
  for (const word of reserved)
    if (!["this", "pass", "in"].includes(word))
      assert.deepEqual(scopesOf(word), ["invalid.illegal.hsl"], word);
});

test("raw strings end with their own delimiter, and every pattern compiles", () => {
  const { repository } = grammar as unknown as {
    repository: Record<string, { begin?: string; match?: string }>;
  };
  assert.match("'END'", new RegExp(`^${repository["raw"]?.begin}$`));
  assert.match("#/a\\/b/i", new RegExp(`^${repository["regex"]?.match}$`));
});

test("the manifest names files that are there", () => {
  for (const path of [
    ...manifest.contributes.grammars.map((one) => one.path),
    ...manifest.contributes.languages.map((one) => one.configuration),
  ])
    assert.ok(readFileSync(new URL(path, folder), "utf8").length > 0);
});
