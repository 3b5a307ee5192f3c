/** The class FFI as scripts use it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { mergeHosts } from "#mta/script/host.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import { compile, run } from "#mta/script/machine.ts";
import { noFiles } from "#mta/script/module.ts";

import { addonPath, buildNative } from "../../../testing/native-plugins.ts";
import { loadNative } from "../native.ts";
import { loadForeign } from "./class.ts";
import { quietWorld } from "../../../testing/quiet-world.ts";

buildNative();
const { host } = await loadForeign(loadNative(addonPath), null);

async function echoes(text: string): Promise<string[]> {
  const lines: string[] = [];
  const program = compile("test", text, mergeHosts(libraryHost, host), noFiles);
  const { error } = await run(program, {
    world: {
      ...quietWorld(),
      echo: (line) => void lines.push(line),
    },
  });
  return error === null ? lines : [...lines, error.message];
}

test("a script calls a function of the C library", async () => {
  const script = `
    $libc = FFI("libc.so.6");
    $strlen = $libc->func("strlen", [FFI::type("pointer")], FFI::type("uint64"));
    echo FFI::number($strlen(FFI::cstring("hello")));
    $memory = FFI::memcpy(FFI::allocate(8), "abc");
    echo FFI::string(FFI::offset($memory, 1));
    echo $libc->func("nothing_here", [], FFI::type("void"));`;
  assert.deepEqual(await echoes(script), ["5", "bc", "none"]);
});

test("what FFI refuses is caught by the script", async () => {
  const script = `
    try { FFI("libnothing.so"); } catch ($e) { echo "no library"; }
    try { FFI::type("int"); } catch ($e) { echo $e->message(); }`;
  const lines = await echoes(script);
  assert.equal(lines[0], "no library");
  assert.match(lines[1] ?? "", /^"int" is no C type/);
});

test("a script's function is called by C, and what it throws comes out of the call", async () => {
  const script = (compare: string): string => `
    $types = [FFI::type("pointer"), FFI::type("pointer")];
    $order = FFI::callback($types, FFI::type("sint32"), function ($a, $b) { ${compare} });
    $size = FFI::type("uint64");
    $qsort = FFI("libc.so.6")->func("qsort", [FFI::type("pointer"), $size, $size, FFI::type("pointer")], FFI::type("void"));
    $text = FFI::memcpy(FFI::allocate(3), "bca");
    try { $qsort($text, 3, 1, $order); } catch ($e) { echo $e->message(); }
    echo FFI::string($text, 3);`;
  const byte = (name: string): string => `FFI::number(FFI::deref($${name}, FFI::type("uint8")))`;
  assert.deepEqual(await echoes(script(`return ${byte("a")} - ${byte("b")};`)), ["abc"]);
  assert.equal((await echoes(script('throw Exception("no order");')))[0], "no order");
});

test("scripts without FFI know no such class", async () => {
  assert.throws(() => compile("test", 'FFI("libc.so.6");', libraryHost, noFiles), /FFI/);
});
