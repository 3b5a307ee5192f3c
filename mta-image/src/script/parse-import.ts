/**
 * Import statements: `import { f, g as h, $x as $y } from "m";`, `import * as ns from "m";`,
 * `import $v from "data.json" with [...];`. Throws GiveUp after a report.
 */
import type { ImportName, Statement } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import type { ExpressionParser } from "./parse-expression.ts";

export function parseImport(cursor: Cursor, expressions: ExpressionParser, at: number): Statement {
  let names: readonly ImportName[] = [];
  let namespace: string | null = null;
  let data: string | null = null;
  if (cursor.takeSign("*")) {
    cursor.expectWord("as");
    namespace = cursor.expectName("a name").name;
  } else if (cursor.takeSign("{")) names = importNames(cursor);
  else data = cursor.expectVariable().name;
  cursor.expectWord("from");
  const path = cursor.expectText("what is imported");
  const options = cursor.takeWord("with") ? expressions.parse() : null;
  cursor.expectSign(";");
  return { kind: "import", at, path, names, namespace, data, options };
}

function importNames(cursor: Cursor): readonly ImportName[] {
  const names: ImportName[] = [];
  while (!cursor.isSign("}")) {
    const { at } = cursor;
    const kind = cursor.token.kind === "variable" ? "variable" : "function";
    const take = (): string =>
      (kind === "variable" ? cursor.expectVariable() : cursor.expectName("a name")).name;
    const name = take();
    names.push({ kind, name, as: cursor.takeWord("as") ? take() : name, at });
    if (!cursor.takeSign(",")) break;
  }
  cursor.expectSign("}");
  return names;
}
