/** Packages of scripts, "extras://…" with files of their own, and what they read of their settings. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { CompileError } from "../script/error.ts";
import { declare, makeHost } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile, run } from "../script/machine.ts";
import { pluginConfigs } from "./configured.ts";
import { type ScriptHostParts, makeScriptHost } from "./script-host.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const files = new Map([
  ["extras://greeter/main.hsl", `import { greet } from "./lib/greet.hsl";`],
  [
    "extras://greeter/lib/greet.hsl",
    `import $set from "plugin-config://smtpd-app.yaml"; import $start from "plugin-config://smtpd.yaml";
     function greet() { global $set, $start; return [$set["word"], $start["n"]]; }`,
  ],
]);
const settings = new Map([
  ...pluginConfigs("smtpd-app.yaml", [
    { id: "greeter", config: { word: "hällo" } },
    { id: "other", config: { word: "no" } },
  ]),
  ...pluginConfigs("smtpd.yaml", [{ id: "greeter", config: { n: 7 } }]),
]);

async function said(text: string, parts: Partial<ScriptHostParts> = {}): Promise<string[]> {
  const lines: string[] = [];
  const host = makeScriptHost({ libraryHost, pluginConfigs: settings, ...parts });
  const world = {
    ...quietWorld(),
    echo: (line: string) => void lines.push(Buffer.from(line, "latin1").toString()),
  };
  const { error } = await run(compile("test", text, libraryHost, host.loader(files)), { world });
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
