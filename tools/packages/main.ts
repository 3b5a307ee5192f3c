/** `make packages`: packages and chart of this checkout under build/packages, with the version of package.json, signed where SIGN_KEY names a key. */
import { readFile } from "node:fs/promises";

import { root } from "../tree.ts";
import { buildPackages } from "./build.ts";
import { packChart } from "./chart.ts";
import { Signer } from "./signing.ts";

const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { version: string };
const say = (line: string): void => void process.stdout.write(`[packages] ${line}\n`);
const key = process.env["SIGN_KEY"] ?? "";
const signer = key === "" ? null : new Signer(key);
const { debs, rpms } = await buildPackages({
  folder: `${root}build/packages`,
  versions: [version],
  signer,
  say,
});
say(`chart${signer === null ? ", not signed" : " and its provenance"}`);
const archive = await packChart(`${root}build/packages/charts`, signer);
for (const path of [...debs, ...rpms, archive]) say(path.slice(root.length));
