/** Packages of scripts, "extras://…" with files of their own, and what they read of their settings. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { CompileError } from "../script/error.ts";
import { declare, makeHost } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { defaultLimits } from "../script/limits.ts";
import { compile, run } from "../script/machine.ts";
import { loadFrom } from "../script/module.ts";
import { pluginConfigs } from "./configured.ts";
import { type ScriptHostParts, makeScriptHost } from "./script-host.ts";
import { compileScripts } from "./scripts.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const files = new Map([
  ["extras://greeter/main.hsl", `import { greet } from "./lib/greet.hsl";`],
  [
    "extras://greeter/lib/greet.hsl",
    `import $set from "plugin-config://smtpd-app.yaml"; import $start from "plugin-config://smtpd.yaml";
     function greet() { global $set, $start; return [$set["word"], $start["n"]]; }`,
  ],
]);
const lists = new Map([
  ["lists/b.txt", "two\n"],
  ["lists/a.txt", "one\n"],
  ["lists/deep/c.txt", "three\n"],
  ["lists/a.json", "[1]"],
  ["modules/counter/main.hsl", `import { next } from "./next.hsl";`],
  ["modules/counter/next.hsl", `$n = 0; function next() { global $n; $n += 1; return $n; }`],
  ["extras://counter/main.hsl", `$n = 0; function next() { global $n; $n += 1; return $n; }`],
  ["uses.hsl", `import { next } from "extras://counter"; function again() { return next(); }`],
]);
const settings = new Map([
  ...pluginConfigs("smtpd-app.yaml", [
    { id: "greeter", config: { word: "hällo" } },
    { id: "other", config: { word: "no" } },
  ]),
  ...pluginConfigs("smtpd.yaml", [{ id: "greeter", config: { n: 7 } }]),
]);

async function said(
  text: string,
  {
    given = files,
    ...parts
  }: Partial<ScriptHostParts> & { readonly given?: ReadonlyMap<string, string> } = {},
): Promise<string[]> {
  const lines: string[] = [];
  const host = makeScriptHost({ libraryHost, pluginConfigs: settings, ...parts });
  const world = {
    ...quietWorld(),
    echo: (line: string) => void lines.push(Buffer.from(line, "latin1").toString()),
  };
  const { error } = await run(compile("test", text, libraryHost, host.loader(given)), { world });
  if (error !== null) throw new Error(error.describe());
  return lines;
}

test("a package is imported by its name, with files beside it and its own settings", async () => {
  assert.deepEqual(await said(`import { greet } from "extras://greeter"; echo greet();`), [
    `[0=>"hällo",1=>7]`,
  ]);
});

test("a native plugin of the same name comes first", async () => {
  const greet = declare({
    name: "greet",
    parameters: [],
    returns: "string",
    docs: "Of the plugin.",
    run: () => "native",
  });
  const modules = new Map([["greeter", makeHost([greet])]]);
  assert.deepEqual(await said(`import { greet } from "extras://greeter"; echo greet();`, { modules }), [
    "native",
  ]);
});

test("settings belong to packages: a script of a hook has none", async () => {
  await assert.rejects(
    said(`import $set from "plugin-config://smtpd-app.yaml";`),
    (error) => error instanceof CompileError && /there is no file plugin-config:/.test(error.message),
  );
});

test("a folder is what its main.hsl is, with files beside it", async () => {
  const lines = await said(`import { next } from "modules/counter"; echo next(); echo next();`, {
    given: lists,
  });
  assert.deepEqual(lines, ["1", "2"]);
});

test("a package that two files import runs once for both", async () => {
  const script = `import { next } from "extras://counter"; import { again } from "uses.hsl"; echo next(); echo again();`;
  assert.deepEqual(await said(script, { given: lists }), ["1", "2"]);
});

test("a pattern imports all files of a folder that fit, by their names", async () => {
  assert.deepEqual(await said(`import $x from "txt!lists/*.txt"; echo $x;`, { given: lists }), [
    `["lists/a.txt"=>"one\n","lists/b.txt"=>"two\n"]`,
  ]);
  const lines = `import $x from "lists/*.txt" with ["type" => "array"]; echo $x["lists/b.txt"][0];`;
  assert.deepEqual(await said(lines, { given: lists }), ["two"]);
  assert.deepEqual(await said(`import $x from "lists/a.*"; echo $x;`, { given: lists }), [
    `["lists/a.json"=>[0=>1],"lists/a.txt"=>"one\n"]`,
  ]);
  assert.deepEqual(await said(`import $x from "none/*.key"; echo $x;`, { given: lists }), ["[]"]);
});

test("a file of a pattern that cannot be read is named", async () => {
  const given = new Map([["lists/a.json", "{"]]);
  await assert.rejects(
    said(`import $x from "lists/*.json";`, { given }),
    (error) => error instanceof CompileError && /lists\/a\.json: this is no JSON/.test(error.message),
  );
});

test("a script from beyond the configuration counts for what the engine has to look up", () => {
  const behind = loadFrom(
    new Map([["name.hsl", `function name($connection) { return $connection["remoteptr"]; }`]]),
  );
  const server = { id: "in", hooks: { mailfrom: "named" }, rcptto: [] };
  const wants = (text: string): boolean | undefined => {
    const texts = {
      files: new Map(),
      hooks: new Map([["mailfrom/named", text]]),
      predelivery: null,
      postdelivery: null,
      servers: [server],
      limits: defaultLimits,
      onError: "defer" as const,
    };
    const scripts = compileScripts(texts, makeScriptHost({ libraryHost, behind }));
    assert.ok("servers" in scripts, JSON.stringify(scripts));
    return scripts.servers.get("in")?.wantsRemoteName;
  };
  assert.equal(wants(`import { name } from "name.hsl"; Reject(name($connection));`), true);
  assert.equal(wants(`Reject("no");`), false);
});
