import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HostObject, HslArray, HslFunction } from "#mta/script/value.ts";
import type { RunContext } from "#mta/script/context.ts";

import { addonPath, buildNative } from "../../../testing/native-plugins.ts";
import { loadNative } from "../native.ts";
import { loadForeign } from "./class.ts";

buildNative();
const foreign = await loadForeign(loadNative(addonPath), null);
const cls = foreign.host.classes.get("FFI");
assert.ok(cls !== undefined);

const context = {} as RunContext;
const of = (name: string, ...args: Value[]): Value => cls.statics.get(name)?.call(context, args) as Value;
const type = (name: string): Value => of("type", name);
const open = (path: string): Value => cls.construct?.call(context, [path]) as Value;
const method = (self: Value, name: string, ...args: Value[]): Value =>
  cls.methods.get(name)?.call(context, [self, ...args]) as Value;

function func(library: Value, name: string, types: string[], result: string): HslFunction {
  const found = method(library, "func", name, new HslArray(types.map(type)), type(result));
  assert.ok(found instanceof HslFunction, name);
  return found;
}

const libc = open("libc.so.6");

test("functions are called with numbers, texts and pointers", () => {
  const strlen = func(libc, "strlen", ["pointer"], "uint64");
  assert.equal(of("number", strlen.run(of("cstring", "hello")) as Value), 5);
  assert.equal(
    of("number", func(open("libm.so.6"), "pow", ["double", "double"], "double").run(2, 10) as Value),
    1024,
  );
  const abs = func(libc, "abs", ["sint32"], "sint32");
  assert.equal(of("number", abs.run(of("cnumber", type("sint32"), -7)) as Value), 7);
});

test("the same function may be had with other types", () => {
  assert.equal(
    of("number", func(libc, "abs", ["sint64"], "sint64").run(of("cnumber", type("sint64"), 3)) as Value),
    3,
  );
});

test("a library or symbol that is not there is told", () => {
  assert.throws(() => open("libnothing.so"), /FFI\(\) cannot open libnothing\.so/);
  assert.equal(method(libc, "symbol", "nothing_here"), null);
  assert.equal(method(libc, "func", "nothing_here", new HslArray(), type("void")), null);
  assert.ok(method(libc, "symbol", "environ") instanceof HostObject);
});

test("wrong types are refused before anything is called", () => {
  const strlen = func(libc, "strlen", ["pointer"], "uint64");
  assert.throws(() => strlen.run("text"), /strlen\(\) wants a C value of type pointer/);
  assert.throws(() => strlen.run(of("cnumber", type("uint64"), 1)), /type pointer/);
  assert.throws(() => type("int"), /"int" is no C type/);
  assert.throws(() => of("string", of("nullptr")), /the pointer is null/);
  assert.throws(() => of("allocate", 1e12), /allocated up to/);
});

test("memory is written, moved in, and read with and without size", () => {
  const memory = of("allocate", 16);
  of("memcpy", memory, "abc\0def");
  assert.equal(of("string", memory), "abc");
  assert.equal(of("string", memory, 7), "abc\0def");
  assert.equal(of("string", of("offset", memory, 4)), "def");
  assert.equal(of("string", of("allocate", type("uint64")), 8), "\0".repeat(8));
});

test("references hold values of every size, with sign", () => {
  const numbers: [string, number, number][] = [
    ["uint8", 300, 44],
    ["sint8", 200, -56],
    ["sint16", -2, -2],
    ["uint32", -1, 4294967295],
    ["sint64", -5, -5],
    ["double", 0.5, 0.5],
    ["float", 0.25, 0.25],
  ];
  for (const [name, number, expected] of numbers) {
    const back = of("deref", of("byref", of("cnumber", type(name), number)), type(name));
    assert.equal(of("number", back), expected, name);
  }
  const text = of("cstring", "x");
  assert.equal(of("string", of("deref", of("byref", text))), "x");
  assert.equal(of("deref", of("nullptr")), null);
});

test("numbers beyond 53 bits come as two halves", () => {
  const strtoull = func(libc, "strtoull", ["pointer", "pointer", "sint32"], "uint64");
  const big = strtoull.run(of("cstring", "18446744073709551614"), null, 10) as Value;
  assert.deepEqual((of("number64", big) as HslArray).values(), [4294967295, 4294967294]);
});

test("a function of the script is called by C", () => {
  const order = new HslFunction("order", 2, 2, "plain", (a, b) => {
    const number = (pointer: Value | undefined): number =>
      Number(of("number", of("deref", pointer ?? null, type("sint32"))));
    return number(b) - number(a);
  });
  const callback = of("callback", new HslArray([type("pointer"), type("pointer")]), type("sint32"), order);
  const numbers = of("allocate", 12);
  const bytes = Buffer.from(Int32Array.from([1, 3, 2]).buffer).toString("latin1");
  of("memcpy", numbers, bytes);
  func(libc, "qsort", ["pointer", "uint64", "uint64", "pointer"], "void").run(numbers, 3, 4, callback);
  const sorted = Buffer.from(of("string", numbers, 12) as string, "latin1");
  assert.deepEqual(
    [0, 4, 8].map((at) => sorted.readInt32LE(at)),
    [3, 2, 1],
  );
});

test("memory changes hands with attach and detach", () => {
  const strdup = func(libc, "strdup", ["pointer"], "pointer");
  const free = func(libc, "free", ["pointer"], "void");
  const owned = of("attach", strdup.run(of("cstring", "mine")) as Value, free);
  assert.equal(of("string", owned), "mine");
  const given = of("detach", of("cstring", "yours"));
  free.run(given);
  const counted = of("attach", strdup.run(of("cstring", "plain")) as Value);
  assert.equal(of("string", counted), "plain");
});

test("a message is a FILE of C, seekable, without a copy", () => {
  const file = foreign.fileValue([Buffer.from("Subject: x\r\n"), Buffer.from("\r\nbody")]);
  const buffer = of("allocate", 64);
  func(libc, "fseek", ["pointer", "sint64", "sint32"], "sint32").run(file, -4, 2);
  const read = func(libc, "fread", ["pointer", "uint64", "uint64", "pointer"], "uint64");
  assert.equal(of("number", read.run(buffer, 1, 64, file) as Value), 4);
  assert.equal(of("string", buffer), "body");
});

test("a FILE that C has closed is not closed once more", () => {
  const native = loadNative(addonPath);
  const fclose = func(libc, "fclose", ["pointer"], "sint32");
  for (let round = 0; round < 50; round++) {
    const address = native.openFile([Buffer.from("a\r\n"), Buffer.from("b")]);
    const pointer = of("deref", of("byref", of("cnumber", type("uint64"), Number(address))));
    assert.equal(of("number", fclose.run(pointer) as Value), 0);
    native.closeFile(address);
    native.closeFile(address);
  }
});

test("a FILE is read on from where C left it, to its end", () => {
  const file = foreign.fileValue([Buffer.from("still here")]);
  const buffer = of("allocate", 64);
  const read = func(libc, "fread", ["pointer", "uint64", "uint64", "pointer"], "uint64");
  assert.equal(of("number", read.run(buffer, 1, 5, file) as Value), 5);
  assert.equal(of("number", read.run(buffer, 1, 64, file) as Value), 5);
  assert.equal(of("string", buffer, 5), " here");
  assert.equal(of("number", read.run(buffer, 1, 64, file) as Value), 0);
});

test("where libraries are named, no other is opened, and none gives what it only links", async () => {
  const { host } = await loadForeign(loadNative(addonPath), ["libm.so.6"]);
  const make = host.classes.get("FFI")?.construct;
  const library = make?.call(context, ["libm.so.6"]) as Value;
  assert.equal(of("number", func(library, "pow", ["double", "double"], "double").run(2, 5) as Value), 32);
  assert.equal(method(library, "func", "system", new HslArray([type("pointer")]), type("sint32")), null);
  assert.equal(method(library, "symbol", "environ"), null);
  for (const path of ["libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6", "libm.so.6\0", ""])
    assert.throws(
      () => make?.call(context, [path]),
      /FFI\(\) may not open .*: scripting\.ffilibraries has libm\.so\.6/,
    );
});
