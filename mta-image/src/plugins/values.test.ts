import assert from "node:assert/strict";
import { X509Certificate, createPrivateKey, generateKeyPairSync } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import fc from "fast-check";

import { functionOf, makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { NativeThrow } from "./error.ts";
import type { Wire } from "./native.ts";

const plugins = makeTestHost();
const { host } = plugins;
await startPlugins(plugins, { values: {} });
after(() => host.cleanup());

const call = (name: string, ...args: Wire[]) => host.calls.call(functionOf(plugins, "values", name), args);

test("arguments are read by both names and missing ones throw", () => {
  assert.equal(call("add", 1, 2.5), 3.5);
  assert.throws(
    () => call("add", 1),
    new NativeThrow({ kind: "exception", message: "add wants two numbers" }),
  );
  assert.throws(() => call("add", "1", 2), NativeThrow);
});

test("every type has its number and nothing is converted", () => {
  const object: Wire = { kind: "opaque" };
  const exception: Wire = { kind: "exception", message: "x" };
  const file: Wire = { kind: "file", pieces: [] };
  const types = call("types", null, true, 1, "x", [], file, object, exception);
  assert.deepEqual(types, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
});

test("values come back as they went, bytes and order included", () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  const values: Wire[] = [
    null,
    false,
    -0.5,
    1e300,
    "",
    all,
    "x".repeat(100_000),
    ["b", 1, "a", [0, "deep", 5, []], 3, null],
  ];
  for (const value of values) assert.deepEqual(call("copy", value), value);
});

test("many arguments reach the plugin", () => {
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  assert.equal((call("types", ...numbers) as Wire[]).length, 80);
});

test("arrays are found by text and by number, and missing keys are none", () => {
  assert.deepEqual(call("look", ["a", "x", 7, "y"], "a"), [0, 2, 1, "x"]);
  assert.deepEqual(call("look", ["a", "x", 7, "y"], "7"), [0, 2, 1, "y"]);
  assert.deepEqual(call("look", ["a", "x"], "z"), [0, 1, 1, null]);
  assert.deepEqual(call("look", "no array", "z"), [0, 0, 1, null]);
});

test("an array that is nested without end is refused, not crashed on", () => {
  let deep: Wire = [];
  for (let level = 0; level < 300; level += 1) deep = [0, deep];
  assert.throws(() => call("types", deep), /nested too deeply/);
});

test("JSON is written as lists, objects and escapes, or refused with a reason", () => {
  const utf8 = Buffer.from('å"\n€😀').toString("latin1");
  assert.equal(call("to_json", [0, 1, 1, [], 2, null]), "[1,[],null]");
  assert.equal(call("to_json", ["a", true, 5, 0.1]), '{"a":true,"5":0.1}');
  assert.equal(call("to_json", utf8), '"\\u00e5\\"\\n\\u20ac\\ud83d\\ude00"');
  assert.equal(call("to_json", utf8, true), Buffer.from('"å\\"\\n€😀"').toString("latin1"));
  assert.equal(call("to_json", 12345678901234), "12345678901234");
  assert.throws(() => call("to_json", Number.NaN), /a number is not finite/);
  assert.throws(() => call("to_json", "\xff"), /a string is not UTF-8/);
  assert.throws(() => call("to_json", [0, { kind: "opaque" }]), /no JSON form/);
});

test("JSON is read strictly and the first problem is told with its place", () => {
  assert.deepEqual(call("from_json", ' {"a":[1,-2.5e1,null],"b":{}} '), [
    "a",
    [0, 1, 1, -25, 2, null],
    "b",
    [],
  ]);
  assert.equal(call("from_json", '"\\u00e5\\ud83d\\ude00"'), Buffer.from("å😀").toString("latin1"));
  assert.equal(call("from_json", '"\\u00e5\\u0000"', true), "\xe5\0");
  const bad = [
    "",
    "[1,]",
    "01",
    '{"a"}',
    '"\\ud800"',
    '"\x01"',
    "[1] 2",
    "1e999",
    "nul",
    `${"[".repeat(600)}`,
  ];
  for (const text of bad) assert.throws(() => call("from_json", text), /at byte \d+$/);
});

test("numbers and texts survive the way through JSON", () => {
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: "binary" }),
      (number, text) => {
        const written = call("to_json", [0, number, 1, bytes(text)]) as string;
        assert.deepEqual(JSON.parse(written), [number + 0, text]);
        assert.deepEqual(call("from_json", bytes(JSON.stringify([number, text]))), [
          0,
          number + 0,
          1,
          bytes(text),
        ]);
      },
    ),
  );
});

test("any bytes are read as JSON or refused, never crashed on", () => {
  const parts = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    ",",
    ":",
    "\\u",
    "d83d",
    "\\",
    "1e",
    "-",
    "0.",
    "null",
    "\xff",
    " ",
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 40 }), (pieces) => {
      try {
        void call("from_json", pieces.join(""));
      } catch (error) {
        assert.ok(error instanceof NativeThrow);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a file of pieces is one seekable FILE", () => {
  const folder = mkdtempSync(join(tmpdir(), "values-"));
  writeFileSync(join(folder, "mail"), "old header\r\n\r\nbody of the mail");
  const fd = openSync(join(folder, "mail"), "r");
  const file: Wire = {
    kind: "file",
    pieces: [Buffer.from("new header\r\n"), { fd, offset: 12, length: 18 }, Buffer.from("!")],
  };
  assert.equal(call("read_file", file, 0), "new header\r\n\r\nbody of the mail!");
  assert.equal(call("read_file", file, 14), "body of the mail!");
  assert.equal(call("read_file", file, -5), "mail!");
  assert.equal(call("read_file", file, 1000), "");
  closeSync(fd);
  assert.throws(() => call("read_file", file, 0), /not open/);
  assert.throws(() => call("read_file", "text", 0), /wants a file/);
  rmSync(folder, { recursive: true });
});

test("certificates and keys are objects of the system's OpenSSL and come back the same", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const der = privateKey.export({ type: "pkcs8", format: "der" });
  const key = call("copy", { kind: "privatekey", der }) as { kind: string; der: Buffer };
  assert.ok(createPrivateKey({ key: key.der, format: "der", type: "pkcs8" }).equals(privateKey));
  const certificate = new X509Certificate(Buffer.from(selfSigned, "base64"));
  const copy = call("copy", { kind: "x509", der: certificate.raw }) as { kind: string; der: Buffer };
  assert.equal(new X509Certificate(copy.der).fingerprint256, certificate.fingerprint256);
  assert.deepEqual(call("types", { kind: "x509", der: Buffer.from("junk") }), [0, 6]);
});

test("a result that is used when its call is over reads as none", () => {
  assert.equal(call("keep"), "kept");
  assert.equal(call("use_kept"), 0);
});

test("plugins find the name of the program that they know", () => {
  assert.equal(call("program"), "smtpd");
});

test("functions are registered globally, as statics and for import", () => {
  const entries = host.registrations.get("values") ?? [];
  const add = entries.filter(({ name }) => name === "add");
  assert.deepEqual(
    add.map(({ module, className }) => `${module ? "module" : "global"} ${className}`),
    ["global null", "module null", "global Sum", "module Sum"],
  );
  assert.ok(add.every((entry) => host.calls.call(entry.call, [1, 1]) === 2));
});

/** An EC certificate of "test", valid until 2126. */
const selfSigned =
  "MIIBdTCCARugAwIBAgIUZ9SWrw1gZI+r7UbDA2fCiCUQoJwwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUxNjQ5MDFaGA8yMTI2MTEwMTE2NDkwMVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG/K5y99hW9Cig5ETuV7AOfaG++U3tEuNYsqkSA3Ee52oiyEQtnBQsVWwW2bokYk6Ss+Q/esSEcME4JBn12IHJCjUzBRMB0GA1UdDgQWBBTVgr9RzsSe5uI7ULDvHMIeoK4OODAfBgNVHSMEGDAWgBTVgr9RzsSe5uI7ULDvHMIeoK4OODAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDelAC5PI4Kv9kWGoWFJJcdmE5AVpeg/8FZm7GW6Tm8dwIgfvcAAtpHfKiJXKbnrHU1nPFvxoKHPWdYx68qLQ/25n4=";
