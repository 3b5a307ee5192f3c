/** Every word that somebody reads stands in the table of strings.ts, in every language; the pages themselves hold none. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseSync } from "vite";

import { languages, table } from "./strings.ts";

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What screen readers say and what shows under the pointer. */
const SPOKEN: ReadonlySet<string> = new Set(["aria-label", "aria-description", "title", "alt"]);
/** The same in every language. */
const UNITS: ReadonlySet<string> = new Set(["ms", "ABI", "Mailfleet"]);

const folder = new URL(".", import.meta.url).pathname;

const pages = globSync("**/*.tsx", { cwd: folder });
assert.ok(pages.length > 0, "there are pages");
for (const file of pages)
  test(`${file} holds no words of its own`, () => {
    const { program } = parseSync(file, readFileSync(`${folder}${file}`, "utf8"));
    assert.deepEqual(wordsIn(program as unknown as Node), []);
  });

test("what would be a word is found, wherever it stands", () => {
  const text = `const a = <p title="Hint" class="x">Hello {b ? "yes" : t("key")} {\`over \${n}\`}</p>;
    const column = { head: "Head", cell: () => <b>{count} ms</b> };`;
  const { program } = parseSync("a.tsx", text);
  assert.deepEqual([...wordsIn(program as unknown as Node)].sort(), ["Head", "Hello", "Hint", "over", "yes"]);
});

test("every language says the same with the same figures", () => {
  for (const [key, texts] of Object.entries(table)) {
    assert.equal(texts.length, languages.length, key);
    const [first, ...others] = texts.map((text) => (text.match(/\{\w+\}/g) ?? []).sort());
    for (const other of others) assert.deepEqual(other, first, key);
    assert.ok(
      texts.every((text) => text.trim() !== "" && text === text.trim()),
      key,
    );
  }
});

test("every word of the table is used somewhere", () => {
  const all = globSync("**/*.{ts,tsx}", { cwd: folder, exclude: ["strings.ts", "*.test.ts"] });
  const text = all.map((file) => readFileSync(`${folder}${file}`, "utf8")).join("\n");
  // Words of closed lists come from the server.
  const listed =
    /^(Serving|Cordoned|Draining|Fenced|Stopping|viewer|present|missing|suspension)$|(Order|Effect)$/;
  const unused = Object.keys(table).filter(
    (key) => !listed.test(key) && !new RegExp(`["\`.]${key}["\`]|\\b${key}:`).test(text),
  );
  assert.deepEqual(unused, []);
});

function wordsIn(node: Node): readonly string[] {
  const own = ownWords(node);
  const inside = Object.values(node).flatMap((value) =>
    (Array.isArray(value) ? value : [value]).filter(isNode).flatMap(wordsIn),
  );
  return [...own, ...inside];
}

function ownWords(node: Node): readonly string[] {
  switch (node.type) {
    case "JSXText":
      return readable(node["value"]);
    case "JSXElement":
    case "JSXFragment":
      return (node["children"] as readonly Node[])
        .filter(({ type }) => type === "JSXExpressionContainer")
        .flatMap(({ expression }) => literals(expression as Node));
    case "JSXAttribute":
      return SPOKEN.has(nameOf(node["name"])) ? literals(node["value"]) : [];
    case "Property":
      return nameOf(node["key"]) === "head" ? literals(node["value"]) : [];
    default:
      return [];
  }
}

/** What an expression can come to by itself; what functions are called with are keys. */
function literals(node: unknown): readonly string[] {
  if (!isNode(node)) return [];
  const of = (...fields: readonly string[]): readonly string[] =>
    fields.flatMap((field) => literals(node[field]));
  switch (node.type) {
    case "Literal":
      return readable(node["value"]);
    case "JSXExpressionContainer":
      return of("expression");
    case "TemplateLiteral":
      return (node["quasis"] as readonly { value: { cooked: string } }[]).flatMap(({ value }) =>
        readable(value.cooked),
      );
    case "ConditionalExpression":
      return of("consequent", "alternate");
    case "LogicalExpression":
      return node["operator"] === "&&" ? of("right") : of("left", "right");
    case "BinaryExpression":
      return node["operator"] === "+" ? of("left", "right") : [];
    default:
      return [];
  }
}

function readable(value: unknown): readonly string[] {
  if (typeof value !== "string") return [];
  const text = value.trim();
  return /\p{L}{2}/u.test(text) && !UNITS.has(text.replace(/[^\p{L}]/gu, "")) ? [text] : [];
}

function nameOf(node: unknown): string {
  return isNode(node) ? String(node["name"] ?? "") : "";
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}
