/**
 * plugin-check: judges one file as the engine would before it loads it, opens it, and asks for its version. Prints what it
 * found as JSON (contract/plugin-check.ts), also to the file that --result names: the operator runs this in a pod
 * of its own before any cluster gets the plugin. Ends with 0 whatever the verdict; otherwise the file has crashed
 * the program, or the call was wrong.
 */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { describe } from "#base/error.ts";
import type { PluginCheck } from "#contract/plugin-check.ts";

import { inspect } from "../plugins/inspect.ts";
import { addonBesideEngine, loadNative } from "../plugins/native.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { result: { type: "string" } },
});

const [path] = positionals;
if (path === undefined) {
  process.stderr.write("usage: plugin-check [--result FILE] PLUGIN\n");
  process.exitCode = 64;
} else {
  const text = `${JSON.stringify(await check(path))}\n`;
  process.stdout.write(text);
  if (values.result !== undefined) await writeFile(values.result, text);
  // Threads that the file has started must not keep the program.
  process.exit(0);
}

async function check(file: string): Promise<PluginCheck> {
  const native = loadNative(addonBesideEngine());
  const { refusal, roles, exported, inPlace } = await inspect(file, (name) => native.provides(name));
  const found = { sha256: await digestOf(file), roles: [...roles], exported: [...exported] };
  if (refusal !== null) return { ...found, refusal, abiVersion: null };
  try {
    const [built, wanted] = native.version(native.open("check", file, inPlace));
    const fits = built === wanted ? null : `it is built for plugin version ${built}, this is ${wanted}`;
    return { ...found, refusal: fits, abiVersion: built };
  } catch (error) {
    return { ...found, refusal: describe(error), abiVersion: null };
  }
}

async function digestOf(file: string): Promise<string> {
  const bytes = await readFile(file).catch(() => null);
  return bytes === null ? "" : createHash("sha256").update(bytes).digest("hex");
}
