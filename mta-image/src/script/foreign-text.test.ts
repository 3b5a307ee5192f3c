/** Text from outside in the readers that scripts have for it: a value or a refusal, within the budget of the run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import fc from "fast-check";

import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { defaultLimits } from "./limits.ts";
import { type Outcome, compile, run } from "./machine.ts";
import { loadFrom } from "./module.ts";

const world = quietWorld();

/** The call with $text, as a script makes it that catches what it can. */
async function read(call: string, text: string | Buffer): Promise<Outcome> {
  const coded = Buffer.from(text as string).toString("base64");
  const source = `$text = base64_decode("${coded}"); try { $value = ${call}; return "read"; } catch ($error) { return "refused"; }`;
  return run(compile("foreign", source, libraryHost, loadFrom(new Map())), { world, limits: defaultLimits });
}

const readers: Readonly<Record<string, readonly string[]>> = {
  'json_decode($text, ["allow_comments" => true])': [
    "{",
    "}",
    "[",
    "]",
    '"a"',
    ":",
    ",",
    "/*",
    "*/",
    "//",
    "1e999",
  ],
  "yaml_decode($text)": [
    "a: ",
    "&a ",
    "*a",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "!!int ",
    "\n",
    "<<: ",
    "  ",
    "? ",
    "|\n",
    '"',
  ],
  "csv_decode($text)": ["a", ",", '"', "\n", "\r\n", ";", "\ufeff", '""'],
  'strptime($text, "%d %b %Y %H:%M:%S %z")': ["1", "Jan", " ", "2026", ":", "+0000", "99999999999999999999"],
  "url_decode($text)": ["%", "%4", "%00", "%zz", "+", "é"],
  "unpack($text, $text)": ["N", "a5", "*", "H", "99999999", "/", "e"],
  "zlib_uncompress($text)": ["x\x9c", "\x1f\x8b\x08", "é"],
  "base64_decode($text)": ["YQ==", "=", "\n", "é", "-_"],
  "idna_encode($text)": ["xn--", "é", ".", "\u00ad", "a".repeat(70), "."],
  "idna_decode($text)": ["xn--", "é", ".", "xn--a", "-"],
  "X509($text)": ["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "MIIB", "\0"],
};

for (const [call, words] of Object.entries(readers)) {
  test(`${call} of any text is a value or something that a script can catch`, async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc
        .array(fc.constantFrom(...words, "\0", "__proto__", "\\"), { maxLength: 20 })
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const { error, value } = await read(call, given);
        assert.equal(error, null, error?.describe() ?? "");
        assert.match(String(value), /^(?:read|refused)$/);
      }),
      { numRuns: 150 },
    );
  });
}

test("aliases of YAML that stand for billions of values end the run, not the engine", async () => {
  const levels = Array.from({ length: 10 }, (_, i) => {
    const items = Array(9).fill(i === 0 ? "x" : `*a${i - 1}`);
    return `a${i}: &a${i} [${items.join(",")}]\n`;
  });
  const { error } = await read("yaml_decode($text)", levels.join(""));
  assert.match(error?.describe() ?? "", /too much memory|too many steps|computed for too long/);
});

test("a packed text that swells beyond what a string may hold ends the run", async () => {
  const bomb = deflateSync(Buffer.alloc(200_000_000));
  const { error } = await read("zlib_uncompress($text)", bomb);
  assert.match(error?.describe() ?? "", /too long|too much memory/);
});

test("comments of JSON go, and what looks like them in a string stays", async () => {
  const text = String.raw`{/* " */"a//" : 1 // x
    , /**/ "b/*":"\"/**/"}`;
  const call = 'json_encode(json_decode($text, ["allow_comments" => true])) == $wanted ? "read" : none';
  const wanted = String.raw`$wanted = "{\"a//\":1,\"b/*\":\"\\\"/**/\"}"; `;
  const source = `${wanted}$text = base64_decode("${Buffer.from(text).toString("base64")}"); return ${call};`;
  const { value } = await run(compile("foreign", source, libraryHost, loadFrom(new Map())), { world });
  assert.equal(value, "read");
  for (const unclosed of ["[1] /* x", "[1/2]", '["/*]']) {
    const { value: refused } = await read(
      'json_decode($text, ["allow_comments" => true]) === none ? "read" : 1',
      unclosed,
    );
    assert.equal(refused, "read");
  }
});
