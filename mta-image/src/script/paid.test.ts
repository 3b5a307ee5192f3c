/**
 * What a call of the library reads and does is paid for in steps, so that a run which makes many such calls, or one that goes on
 * for long, comes to its bound while it is on its way.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { makeHost, mergeHosts } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import type { HslArray } from "./value.ts";

const host = mergeHosts(libraryHost, makeHost([], [], ["text", "more"]));
const limits: Limits = { ...defaultLimits, steps: 200_000, cpuMs: 60_000 };

async function outcome(source: string, text = "", more = "", bounds = limits) {
  const variables = { text, more };
  return run(compile("paid", source, host, noFiles), { world: quietWorld(), limits: bounds, variables });
}

const MEGABYTE = 1_000_000;
const xs = "x".repeat(MEGABYTE);
const again = (call: string): string => `for ($i = 0; $i < 20; $i++) { ${call} }`;
const fields = Array.from({ length: 2_000 }, (_, at) => `A${at}: b\r\n`).join("");

/** By what a script does: the script, and $text. */
const dear: Readonly<Record<string, readonly [source: string, text: string]>> = {
  "seeks what is not there": [again('str_find($text, "y");'), xs],
  "seeks it from the end": [again('str_rfind($text, "y");'), xs],
  "strips by many characters": [again('str_strip($text, "yx");'), xs],
  "changes no letter": [again("str_lower($text);"), xs],
  "makes digests": [again("md5($text);"), xs],
  "spreads by a hash": [again("hash($text);"), xs],
  "keys a digest": [again('hmac_sha2("k", $text, 256);'), xs],
  "compares texts for equality": [`$b = str_replace("y", "x", $text); ${again("$text == $b;")}`, xs],
  "compares texts by order": [`$b = str_replace("y", "x", $text); ${again("$text < $b;")}`, xs],
  "takes a long text as a key": [`$a = []; ${again("$a[$text] = $i;")}`, xs],
  "formats without directives": [again("$text % [];"), xs],
  "joins nothing many times": ['$a = [""] * 100000; for ($i = 0; $i < 5; $i++) array_join($a);', ""],
  "takes one by chance": ["$a = [1] * 100000; for ($i = 0; $i < 5; $i++) array_random($a);", ""],
  "spreads arguments": ["$a = [1] * 50000; for ($i = 0; $i < 5; $i++) array(...$a);", ""],
  "takes the rest of a list": ["$a = [1] * 100000; for ($i = 0; $i < 5; $i++) [$x, ...$r] = $a;", ""],
  "packs numbers": ['pack("C*", ...([1] * 20000));', ""],
  "unpacks numbers": ['unpack("C*", $text);', xs.slice(0, 20_000)],
  "goes back and forth in what it packs": ['pack("a*" . str_repeat("X9999999x9999999", 50), $text);', xs],
  "converts between character sets": ['Iconv("latin1", "utf-16")->convert($text);', xs.slice(0, 100_000)],
  "seeks to the end from each place": [String.raw`pcre_match("\\w+[:;]", $text);`, "a".repeat(3_000)],
  "seeks with a pattern what is not there": [again('$text =~ "y";'), xs],
  "backtracks from each place": ['pcre_match("(?:a?){12}[bc]", $text);', "a".repeat(200)],
  "compares with what was captured": [String.raw`pcre_match("(a+)\\1[bc]", $text);`, "a".repeat(600)],
  "tries a wrong pattern again and again": [
    '$p = str_repeat("(a|b)", 5000) . "("; for ($i = 0; $i < 20; $i++) try { pcre_match($p, "x"); } catch { }',
    "",
  ],
  "fills in groups that are not there": [
    'pcre_replace("a", str_repeat("$9", 1000), $text);',
    "a".repeat(500),
  ],
  "asks for each of many fields": [
    '$m = MailMessage::String($text . "\\r\\n"); foreach ($m->getHeaderNames() as $name) $m->getHeader($name);',
    fields,
  ],
  "writes bodies": [`$m = MailMessage::String("A: b\\r\\n\\r\\n"); ${again("$m->setBody($text);")}`, xs],
  "reads a message anew": [
    `$m = MailMessage::String("A: b\\r\\n\\r\\n" . $text); ${again('$m->modifyContent(9, 1, "z"); $m->getHeader("A");')}`,
    xs,
  ],
  "signs with many names": [
    '$m = MailMessage::String($text . "\\r\\n"); for ($i = 0; $i < 200; $i++) $m->signDKIM("s", "a.b", str_repeat("k", 32), ["return_header" => true]);',
    fields,
  ],
  "writes one row of CSV a thousand times": ["csv_encode([[1] * 500] * 500);", ""],
  "reads a list of addresses": ["header_addresslist_extract($text);", "a b <c@d>, ".repeat(5_000)],
  "decodes words": ["mimeword_decode($text);", "=?utf-8?q?a?= ".repeat(5_000)],
  "reads a list of tags": [
    "header_dkim_decode($text);",
    Array.from({ length: 5_000 }, (_, at) => `a${at}=b`).join(";"),
  ],
  "reads rows of CSV": ["csv_decode($text);", "1,2\n".repeat(2_000)],
  "writes words": ["mimeword_encode($text);", "\xe9 a ".repeat(5_000)],
  "escapes a filter": ["LDAP::filter_escape($text);", "(".repeat(50_000)],
  "makes passwords' hashes": ['crypt("x", "\\$5\\$rounds=100000\\$abc");', ""],
};

for (const [what, [source, text]] of Object.entries(dear))
  test(`a script that ${what} pays for it`, async () => {
    const { error } = await outcome(source, text);
    assert.deepEqual([error?.kind, error?.message], ["budget", "the script took too many steps"]);
  });

test("the clock is looked at often while a very long text is added to, which is copied at each look at it", async () => {
  const world = quietWorld();
  let looks = 0;
  const clock = { ...world.clock, now: () => 0, monotonic: () => looks++ * 10, after: world.clock.after };
  const program = compile("paid", "for ($i = 0; $i < 5000; $i++) { $text .= 1; $text[0]; }", host, noFiles);
  const variables = { text: xs.slice(0, MEGABYTE / 4) };
  const bounds: Limits = { ...defaultLimits, cpuMs: 100 };
  const { error } = await run(program, { world: { ...world, clock }, limits: bounds, variables });
  assert.deepEqual([error?.kind, error?.message], ["budget", "the script computed for too long"]);
});

for (const [call, text] of [
  ["yaml_decode($text);", " ".repeat(9 << 20)],
  ['yaml_decode($text, ["tags" => []]);', " ".repeat(9 << 20)],
  ["zlib_compress($text);", " ".repeat(33 << 20)],
] as const)
  test(`a text that would hold up the engine in one step is refused before it does: ${call}`, async () => {
    const { error } = await outcome(call, text, "", defaultLimits);
    assert.equal(error?.kind, "budget");
    assert.match(error?.message ?? "", /^a text is too long /);
  });

for (const call of [
  "idna_encode($text)",
  "idna_decode($text)",
  "domain_publicsuffix($text)",
  'url_parse("http://" . $text)',
])
  test(`a name of a megabyte is none: ${call}`, async () => {
    const { value, error } = await outcome(`return ${call};`, "é".repeat(MEGABYTE / 2), "", defaultLimits);
    assert.deepEqual([value, error], [null, null]);
  });

test("a search is stopped by what it does from all places together", async () => {
  const wide: Limits = { ...limits, steps: 1e12 };
  const { error } = await outcome('pcre_match("(?:a?){18}[bc]", $text);', "a".repeat(400), "", wide);
  assert.deepEqual([error?.kind, error?.message], ["budget", "a regular expression took too many steps"]);
});

test("what a script looks at in a long text from place to place costs what it passes over", async () => {
  const source = `$lines = 0;
    for ($at = 0; ($end = str_find($text, "\\n", $at)) >= 0; $at = $end + 1) { str_slice($text, $at, 3); length($text); $lines++; }
    return $lines;`;
  const { value, error } = await outcome(source, "ab\n".repeat(20_000), "", { ...limits, steps: 500_000 });
  assert.equal(error, null, error?.describe() ?? "");
  assert.equal(value, 20_000);
});

test("each character of a long text is replaced in steps that grow with the text and not with its square", async () => {
  for (const pattern of ["a", "/a/u"]) {
    const source = `return pcre_replace("${pattern}", "b", $text) == $more;`;
    const [text, more] = ["a".repeat(100_000), "b".repeat(100_000)];
    const { value, error } = await outcome(source, text, more, { ...limits, steps: 5_000_000 });
    assert.equal(error, null, error?.describe() ?? "");
    assert.equal(value, true);
  }
});

test("many different texts are found once each in steps that grow with their number", async () => {
  const source = `$a = []; for ($i = 0; $i < 20000; $i++) $a[] = "x" . $i;
    return [length(array_unique($a + $a)), length(($a + $a) - $a)];`;
  const { value, error } = await outcome(source, "", "", { ...limits, steps: 1_000_000 });
  assert.equal(error, null, error?.describe() ?? "");
  assert.deepEqual((value as HslArray).values(), [20_000, 0]);
});
