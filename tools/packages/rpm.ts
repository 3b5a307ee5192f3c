/** One .rpm of a staged package, with rpmbuild. Rejects with what it said. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";

import { run } from "../../e2e/peers/shell.ts";
import { TIMESTAMP } from "../image/base.ts";
import { configOf } from "./deb.ts";
import type { Staged } from "./stage.ts";

const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** Path of the package. */
export async function makeRpm(staged: Staged, target: string): Promise<string> {
  const { plan, version } = staged;
  const architecture = plan.isForAll ? "noarch" : (architectures[process.arch] ?? process.arch);
  const home = await mkdtemp(`${tmpdir()}/mailfleet-rpm-`);
  try {
    await writeFile(`${home}/package.spec`, specText(staged));
    const defines = [`_topdir ${home}/top`, `_rpmdir ${home}/out`, "_build_id_links none"];
    await run(
      "rpmbuild",
      [
        "-bb",
        "--quiet",
        "--target",
        architecture,
        ...defines.flatMap((define) => ["--define", define]),
        `${home}/package.spec`,
      ],
      { env: { SOURCE_DATE_EPOCH: String(TIMESTAMP) }, timeoutMs: 300_000 },
    );
    const [made = ""] = await readdir(`${home}/out/${architecture}`);
    await mkdir(target, { recursive: true });
    const path = `${target}/${plan.name}-${version}-1.${architecture}.rpm`;
    await rename(`${home}/out/${architecture}/${made}`, path);
    return path;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The files are ready: nothing is compiled, stripped or looked into. */
function specText(staged: Staged): string {
  const { plan, version, folder, files } = staged;
  const config = new Set(configOf(staged));
  const requires = [...plan.needs.map((name) => `${name} = ${version}`), ...plan.rpmRequires];
  const listed = files.map((path) => `${config.has(path) ? "%config(noreplace) " : ""}"${path}"`);
  return [
    "%global __os_install_post %{nil}",
    "%global debug_package %{nil}",
    "%global _binary_payload w6.zstdio",
    `Name: ${plan.name}`,
    `Version: ${version}`,
    "Release: 1",
    `Summary: ${plan.summary}`,
    "License: Apache-2.0",
    "AutoReqProv: no",
    ...requires.map((name) => `Requires: ${name}`),
    ...plan.conflicts.map((name) => `Conflicts: ${name}`),
    "%description",
    plan.summary,
    "%install",
    `cp -a '${folder}'/. %{buildroot}`,
    "rm -rf %{buildroot}/DEBIAN",
    ...scriptsOf(staged),
    "%files",
    "%defattr(-,root,root,-)",
    ...foldersOf(files).map((path) => `%dir "${path}"`),
    ...listed,
    "",
  ].join("\n");
}

/** Those that no system has: without them rpm leaves them behind, empty. Packages of ours may share one. */
function foldersOf(files: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of files) {
    const parts = path.split("/");
    const first = parts.findIndex((part) => /^(mailfleet|halon)/.test(part));
    for (let end = first + 1; first > 0 && end < parts.length; end++)
      folders.add(parts.slice(0, end).join("/"));
  }
  return [...folders].sort();
}

/** $1 is how many versions will be there afterwards. */
function scriptsOf({ scripts }: Staged): readonly string[] {
  const { "after-install": after, "before-remove": before } = scripts;
  return [
    ...(after === "" ? [] : ["%post", "set -e", after.trimEnd()]),
    ...(before === "" ? [] : ["%preun", 'if [ "$1" -eq 0 ]; then', before.trimEnd(), "fi"]),
  ];
}
