/** One .deb of a staged package, with dpkg-deb. Rejects with what it said. */
import { mkdir, writeFile } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";
import { TIMESTAMP } from "../image/base.ts";
import type { Staged } from "./stage.ts";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Path of the package. */
export async function makeDeb(staged: Staged, target: string): Promise<string> {
  const { plan, version, folder } = staged;
  const architecture = plan.isForAll ? "all" : (architectures[process.arch] ?? process.arch);
  const control = `${folder}/DEBIAN`;
  await mkdir(control, { recursive: true });
  await writeFile(`${control}/control`, await controlText(staged, architecture));
  await writeFile(
    `${control}/conffiles`,
    configOf(staged)
      .map((path) => `${path}\n`)
      .join(""),
  );
  for (const [name, text] of Object.entries(maintainerScripts(staged)))
    await writeFile(`${control}/${name}`, text, { mode: 0o755 });
  const path = `${target}/${plan.name}_${version}_${architecture}.deb`;
  // zstd at this level packs Node in seconds; xz takes a minute for a tenth less.
  const how = ["-Zzstd", "-z10", "--root-owner-group", "--build", folder, path];
  await run("dpkg-deb", how, { env: { SOURCE_DATE_EPOCH: String(TIMESTAMP) }, timeoutMs: 300_000 });
  return path;
}

export function configOf({ files }: Staged): readonly string[] {
  return files.filter((path) => path.startsWith("/etc/"));
}

async function controlText({ plan, version, folder }: Staged, architecture: string): Promise<string> {
  const depends = [...plan.needs.map((name) => `${name} (= ${version})`), ...plan.debDepends];
  const size = (await run("du", ["-sk", "--apparent-size", folder])).split("\t")[0] ?? "0";
  const fields: readonly (readonly [string, string])[] = [
    ["Package", plan.name],
    ["Version", version],
    ["Architecture", architecture],
    ["Maintainer", "The Mailfleet developers <mailfleet@localhost>"],
    ["Installed-Size", size],
    ["Depends", depends.join(", ")],
    ["Conflicts", plan.conflicts.join(", ")],
    ["Section", "mail"],
    ["Priority", "optional"],
    ["Description", plan.summary],
  ];
  return fields
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** Debian calls each script for many occasions; ours are for one each (Debian Policy 6.5). */
function maintainerScripts({ scripts }: Staged): Readonly<Record<string, string>> {
  const made: Record<string, string> = {};
  const when = (occasion: string, body: string): string =>
    `#!/bin/sh\nset -e\n[ "$1" = ${occasion} ] || exit 0\n${body}`;
  if (scripts["after-install"] !== "") made["postinst"] = when("configure", scripts["after-install"]);
  if (scripts["before-remove"] !== "") made["prerm"] = when("remove", scripts["before-remove"]);
  if (scripts.purge !== "") made["postrm"] = when("purge", scripts.purge);
  return made;
}
