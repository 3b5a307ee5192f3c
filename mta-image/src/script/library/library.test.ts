import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { tablePorts } from "../../../testing/script-ports.ts";
import { compile, run } from "../machine.ts";
import { noFiles } from "../module.ts";
import { libraryHost } from "./library.ts";
import { quietWorld } from "../../../testing/quiet-world.ts";

const folder = new URL("../testdata/library/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".hsl"));
assert.ok(files.length > 0, "there are scripts in testdata/library");

for (const file of files)
  test(`functions do what the comments of ${file} say`, async () => {
    const source = readFileSync(new URL(file, folder), "latin1");
    const said: string[] = [];
    const world = {
      ...quietWorld(),
      echo: (line: string) => said.push(line),
      hostname: "host.test",
      ports: tablePorts,
    };
    const outcome = await run(compile(file, source, libraryHost, noFiles), { world });
    const wanted = [...source.matchAll(/(?:;|\}) \/\/ (.*)$/gm)].map(([, text]) => text as string);
    const thrown =
      wanted.at(-1)?.startsWith("throws ") === true ? wanted.pop()?.slice("throws ".length) : undefined;
    assert.deepEqual(
      said.map((line) => utf8(line)),
      wanted.map((line) => utf8(line)),
    );
    assert.equal(outcome.error?.message, thrown, outcome.error?.describe() ?? "nothing was thrown");
  });

test("no function of the library is without a script that tests it", () => {
  const all = tested();
  const untested = [...libraryHost.functions.keys()].filter((name) => !new RegExp(`\\b${name}\\b`).test(all));
  assert.deepEqual(untested, []);
});

test("no method of a class is without a script that tests it", () => {
  const all = tested();
  const untested = [...libraryHost.classes.values()].flatMap(({ name, methods, statics }) => [
    ...[...methods.keys()].map((method) => [`->${method}(`, `${name}->${method}`] as const),
    ...[...statics.keys()].map((method) => [`${name}::${method}(`, `${name}::${method}`] as const),
  ]);
  assert.deepEqual(
    untested.filter(([call]) => !all.includes(call)).map(([, method]) => method),
    [],
  );
});

test("no option that the reference names is without a test that gives it to its function", () => {
  const texts = allTests();
  const all = [...libraryHost.functions.values()].concat(
    [...libraryHost.classes.values()].flatMap(({ construct, methods, statics }) => [
      ...(construct === null ? [] : [construct]),
      ...methods.values(),
      ...statics.values(),
    ]),
  );
  const withOptions = all.filter(({ parameters }) =>
    parameters.some(({ name }) => ["options", "override", "policy", "server", "flags"].includes(name)),
  );
  const untested = withOptions.flatMap(({ name, docs, parameters }) => {
    const called = texts.filter((text) => new RegExp(`\\b${name}\\(`).test(text)).join("\n");
    return [...docs.matchAll(/`([a-z0-9_]+)`/g)]
      .map(([, option]) => option as string)
      .filter((option) => !parameters.some((one) => one.name === option))
      .filter((option) => !new RegExp(`"${option}"|\\b${option}:`).test(called))
      .map((option) => `${name}: ${option}`);
  });
  assert.deepEqual([...new Set(untested)], []);
});

/** Scripts of this room and tests of the rooms that functions reach, each as a text. */
function allTests(): readonly string[] {
  const rooms = ["../", "../../script-ports/", "../../hooks/", "../../engine/", "../../plugins/"];
  return rooms.flatMap((room) => {
    const folder = new URL(room, import.meta.url);
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".hsl") || name.endsWith(".test.ts"))
      .map((name) => readFileSync(new URL(name, folder), "latin1"));
  });
}

/** Functions that speak with other programs are tested where those are. */
function tested(): string {
  const scripts = files.map((file) => readFileSync(new URL(file, folder), "latin1"));
  const others = ["../../script-ports/ports.test.ts", "../../script-ports/ldap.test.ts", "./cms.test.ts"].map(
    (path) => readFileSync(new URL(path, import.meta.url), "latin1"),
  );
  return [...scripts, ...others].join("\n");
}

function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString();
}
