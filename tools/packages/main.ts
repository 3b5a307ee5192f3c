/** `make packages`: the packages of this checkout under build/packages, with the version of package.json. */
import { readFile } from "node:fs/promises";

import { root } from "../tree.ts";
import { buildPackages } from "./build.ts";

const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { version: string };
const say = (line: string): void => void process.stdout.write(`[packages] ${line}\n`);
const { debs, rpms } = await buildPackages({ folder: `${root}build/packages`, versions: [version], say });
for (const path of [...debs, ...rpms]) say(path.slice(root.length));
