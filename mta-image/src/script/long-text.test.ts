/**
 * Three megabytes of one hostile piece, again and again, in what reads text: done long before the test's time is over. What looks at the rest of
 * the text for each piece would take minutes to hours.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { makeHost, mergeHosts } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";

const SIZE = 3 * 1024 * 1024;
const host = mergeHosts(libraryHost, makeHost([], [], ["text"]));
const limits: Limits = { ...defaultLimits, cpuMs: 60_000 };

/** By call: what $text is made of. */
const hostile: Readonly<Record<string, readonly string[]>> = {
  'json_decode($text, ["allow_comments" => true])': ["/* ", '\\"'],
  "header_addresslist_extract($text)": [" .", "("],
  'MailMessage::String($text . "\\r\\n\\r\\n")->signDKIM("s", "a.b", str_repeat("k", 32), ["headers" => ["a"]])':
    ["A:\r\n"],
};

for (const [call, pieces] of Object.entries(hostile))
  for (const piece of pieces)
    test(`${call} gets through ${JSON.stringify(piece)} again and again`, { timeout: 60_000 }, async () => {
      const program = compile("long", `try { ${call}; } catch ($error) { } return "done";`, host, noFiles);
      const variables = { text: piece.repeat(SIZE / piece.length) };
      const { value, error } = await run(program, { world: quietWorld(), limits, variables });
      assert.equal(error, null, error?.describe() ?? "");
      assert.equal(value, "done");
    });
