/**
 * Go programs that tests and demo need, built from their modules and kept in the cache by version, so that a checkout
 * never builds them twice. Two builders at once wait for each other; a build that is cut off leaves nothing half done.
 * Rejects with what the compiler said.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, symlink, unlink } from "node:fs/promises";
import { homedir } from "node:os";

import { run } from "../../e2e/peers/shell.ts";
import { root } from "../tree.ts";
import { ensureGo } from "./go.ts";

interface Program {
  /** What comes out: one or more executables. */
  readonly names: readonly string[];
  /** A folder of this checkout with a main package, or packages to install. */
  readonly source: { readonly folder: string } | { readonly packages: readonly string[] };
  readonly version: string;
  readonly flags: readonly string[];
  readonly expectedSeconds: number;
  /** Who needs it asks for it; `make setup` leaves it out. */
  readonly isRare?: true;
}

/** Of the test cluster. */
export const kubernetesVersion = "1.36.3";
const SMALL = "-s -w";
const stamped = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  .map((path) => `-X ${path}.gitVersion=v${kubernetesVersion} -X ${path}.gitMajor=1 -X ${path}.gitMinor=36`)
  .join(" ");

const programs = {
  kubelab: {
    names: ["kubelab"],
    source: { folder: "e2e/cluster/kubelab" },
    version: kubernetesVersion,
    flags: ["-ldflags", `${SMALL} ${stamped}`],
    expectedSeconds: 420,
  },
  coredns: {
    names: ["coredns"],
    source: { folder: "e2e/cluster/coredns" },
    version: "1",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 90,
  },
  containerd: {
    names: ["containerd", "containerd-shim-runc-v2", "ctr"],
    source: {
      packages: ["containerd", "containerd-shim-runc-v2", "ctr"].map(
        (name) => `github.com/containerd/containerd/v2/cmd/${name}@v2.4.2`,
      ),
    },
    version: "2.4.2",
    flags: ["-tags", "no_btrfs,no_devmapper,no_zfs", "-ldflags", SMALL],
    expectedSeconds: 100,
  },
  helm: {
    names: ["helm"],
    source: { packages: ["helm.sh/helm/v3/cmd/helm@v3.22.0"] },
    version: "3.22.0",
    flags: ["-ldflags", `${SMALL} -X helm.sh/helm/v3/internal/version.version=v3.22.0`],
    expectedSeconds: 140,
  },
  versitygw: {
    names: ["versitygw"],
    source: { packages: ["github.com/versity/versitygw/cmd/versitygw@v1.8.0"] },
    version: "1.8.0",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 180,
  },
  /** A second object store; run by tests only, for its licence (docs/dependencies.md). */
  minio: {
    names: ["minio"],
    source: { packages: ["github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"] },
    version: "2026.2.12",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 180,
  },
  kubeconform: {
    names: ["kubeconform"],
    source: { packages: ["github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"] },
    version: "0.8.0",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 20,
  },
  "operator-verify": {
    names: ["operator-verify"],
    source: { packages: ["github.com/operator-framework/api/cmd/operator-verify@v0.36.0"] },
    version: "0.36.0",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 60,
  },
  kwok: {
    names: ["kwok"],
    source: { packages: ["sigs.k8s.io/kwok/cmd/kwok@v0.8.0"] },
    version: "0.8.0",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 120,
    isRare: true,
  },
  /** What enforces NetworkPolicies in a scenario. */
  netpol: {
    names: ["netpol"],
    source: { folder: "e2e/netpol" },
    version: "0.8.0",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 60,
  },
  kstatus: {
    names: ["kstatus"],
    source: { folder: "e2e/kstatus" },
    version: "1",
    flags: ["-ldflags", SMALL],
    expectedSeconds: 20,
  },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof programs;
/** Those that `make setup` builds. */
export const programNames = (Object.keys(programs) as ProgramName[]).filter(
  (name) => !("isRare" in programs[name]),
);

export function cacheFolder(): string {
  return process.env["MAILFLEET_CACHE"] ?? `${homedir()}/.cache/mailfleet`;
}

/** Builds what is not in the cache; resolves with the folder that holds the executables. */
export async function ensureProgram(name: ProgramName, say: (line: string) => void): Promise<string> {
  const program: Program = programs[name];
  const folder = `${cacheFolder()}/programs/${name}-${program.version}-${await keyOf(program)}`;
  if (!existsSync(folder)) await build({ name, program, folder, say });
  await mkdir(`${cacheFolder()}/bin`, { recursive: true });
  for (const executable of program.names) await link(`${folder}/${executable}`, executable);
  return folder;
}

async function build(task: {
  readonly name: string;
  readonly program: Program;
  readonly folder: string;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { name, program, folder, say } = task;
  const go = await ensureGo(say);
  await mkdir(`${cacheFolder()}/programs`, { recursive: true });
  say(`${name} ${program.version}, about ${program.expectedSeconds} s on two cores`);
  const started = performance.now();
  const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const news = setInterval(() => say(`${name}: still building after ${elapsed()}`), 30_000);
  try {
    // The kernel drops the lock with its holder; whoever waited finds the folder made.
    const script = `test -d "$OUT" || { rm -rf "$OUT.part" && mkdir -p "$OUT.part" && ${compile(program)} && mv "$OUT.part" "$OUT"; }`;
    await run("flock", [`${cacheFolder()}/programs/${name}.lock`, "sh", "-c", script], {
      env: {
        OUT: folder,
        ...(go === null ? {} : { GOROOT: go, PATH: `${go}/bin:${process.env["PATH"] ?? ""}` }),
        GOBIN: `${folder}.part`,
        CGO_ENABLED: "0",
        GOFLAGS: "-trimpath",
        GOTOOLCHAIN: "auto",
      },
      cwd: "folder" in program.source ? `${root}${program.source.folder}` : "/",
      timeoutMs: 3_600_000,
    });
  } finally {
    clearInterval(news);
  }
  say(`${name}: built in ${elapsed()}`);
}

function compile({ source, flags, names }: Program): string {
  const quoted = flags.map((flag) => `'${flag}'`).join(" ");
  return "folder" in source
    ? `go build ${quoted} -o "$OUT.part/${names[0]}" .`
    : `go install ${quoted} ${source.packages.join(" ")}`;
}

/** The cache knows a program by its sources and flags. */
async function keyOf(program: Program): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(program));
  if ("folder" in program.source) {
    const folder = `${root}${program.source.folder}`;
    for (const file of (await readdir(folder)).sort())
      hash.update(file).update(await readFile(`${folder}/${file}`));
  }
  return hash.digest("hex").slice(0, 12);
}

async function link(target: string, name: string): Promise<void> {
  const path = `${cacheFolder()}/bin/${name}`;
  await unlink(path).catch(() => {});
  // Somebody else may have made it in between, with the same target.
  await symlink(target, path).catch(() => {});
}
