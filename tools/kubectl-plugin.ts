/**
 * Installs `kubectl mailfleet`: the bundle and a small starter, which runs it with the Node that runs this, into the folder
 * that PLUGIN_DIR names (/usr/local/bin). kubectl finds it there when the folder is in PATH.
 */
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { bundle } from "./bundle.ts";
import { root } from "./tree.ts";

const folder = process.env["PLUGIN_DIR"] ?? "/usr/local/bin";
const packed = `${root}build/bundle`;
await bundle(packed);
await mkdir(folder, { recursive: true });
await copyFile(`${packed}/kubectl-mailfleet.mjs`, join(folder, "kubectl-mailfleet.mjs"));
const starter = join(folder, "kubectl-mailfleet");
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const line = `exec ${quoted(process.execPath)} --disable-warning=ExperimentalWarning ${quoted(join(folder, "kubectl-mailfleet.mjs"))} "$@"`;
await writeFile(starter, `#!/bin/sh\n${line}\n`);
await chmod(starter, 0o755);
process.stdout.write(`[kubectl-plugin] ${starter}: kubectl mailfleet --help\n`);
