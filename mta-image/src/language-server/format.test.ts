import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { tokenize } from "../script/lexer.ts";
import { Sources } from "../script/source.ts";
import { format } from "./format.ts";

function formatted(text: string): string | null {
  return format(new Sources().add("x", text), () => undefined);
}

/** What a script says, without where it says it. */
function said(text: string): unknown {
  return tokenize(new Sources().add("x", text), () => undefined).map(({ at, end, ...token }) => {
    assert.ok(at <= end);
    return JSON.stringify(token).replace(/,"at":\d+/g, "");
  });
}

const cases: readonly (readonly [what: string, before: string, after: string])[] = [
  ["spaces around operators", "$a=1+2*-3 .'' x'';", "$a = 1 + 2 * -3 . '' x'';\n"],
  ["calls and indexes", "f ( $a [ 1 ] , $b -> c ( ) ) ;", "f($a[1], $b->c());\n"],
  ["one statement a line", "echo 1;echo 2;", "echo 1;\necho 2;\n"],
  [
    "a brace behind its head",
    "if($a)\n{\necho 1;\n}\nelse\n{\necho 2;\n}",
    "if ($a) {\n  echo 1;\n} else {\n  echo 2;\n}\n",
  ],
  ["a short block on its line", "$f=function($x){return $x;};", "$f = function ($x) { return $x; };\n"],
  [
    "comments where they were",
    "// a\n\n\n\n$a=1;// b\n/* c\n d */ f();",
    "// a\n\n$a = 1; // b\n/* c\n d */ f();\n",
  ],
  [
    "labels of a switch",
    "switch($a){case 1:f();break;default:g();}",
    "switch ($a) { case 1: f(); break; default: g(); }\n",
  ],
  [
    "labels of a long switch",
    "switch($a)\n{\ncase 1:\nf();\nbreak;\ndefault:\ng();\n}",
    "switch ($a) {\n  case 1:\n    f();\n    break;\n  default:\n    g();\n}\n",
  ],
  ["slices and ternaries", "$a[ 1 : 2 ]; $b?$c:$d; $e?:1;", "$a[1:2];\n$b ? $c : $d;\n$e ?: 1;\n"],
  ["lines within a call", "f(\n$a,\n$b.\n$c\n);", "f(\n  $a,\n  $b .\n    $c\n);\n"],
  ["steps and spread", "$i ++; -- $j; f(... $a);", "$i++;\n--$j;\nf(...$a);\n"],
  ["loops", "for($i=0;$i<3;$i+=1)echo $i;", "for ($i = 0; $i < 3; $i += 1) echo $i;\n"],
  ["imports", 'import{f,g as h}from"x";', 'import { f, g as h } from "x";\n'],
];

for (const [what, before, after] of cases)
  test(`the formatter knows ${what}`, () => {
    assert.equal(formatted(before), after);
    assert.equal(formatted(after), after);
  });

test("a script that does not parse is left alone", () => assert.equal(formatted("$a = ;"), null));

const root = fileURLToPath(new URL("../script/testdata/", import.meta.url));
test("every script of the tests says the same afterwards, and formatting again changes nothing", () => {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".hsl"),
  );
  for (const name of names) {
    const before = readFileSync(root + name, "latin1");
    const once = formatted(before);
    if (once === null) continue;
    assert.deepEqual(said(once), said(before), name);
    assert.equal(formatted(once), once, name);
    assert.equal(once.match(/\/\/.*/g)?.length, before.match(/\/\/.*/g)?.length, name);
  }
});

test("time to format grows with the length of the script", () => {
  const long = `f([\n${'  $a[1:2] . "x", // y\n'.repeat(40_000)}]);\n`;
  assert.equal(formatted(long), long);
});
