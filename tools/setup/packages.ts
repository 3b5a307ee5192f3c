/** Debian packages that tests and demo need, with the reason, and their installation. Needs root. */
import { run, tryRun } from "../../e2e/peers/shell.ts";

const packages: Readonly<Record<string, string>> = {
  buildah: "builds the images",
  mmdebstrap: "makes the file system under them",
  runc: "runs containers",
  "containernetworking-plugins": "gives pods their network",
  iproute2: "network namespaces",
  iptables: "kube-proxy's rules",
  conntrack: "kube-proxy forgets dead connections",
  ebtables: "the kubelet looks for it",
  ethtool: "the kubelet looks for it",
  socat: "kubectl port-forward",
  openssl: "keys and certificates of the test cluster",
  gcc: "the pause image and small native programs",
  "libc6-dev": "the same, statically",
  "g++": "the addon that hosts native plugins",
  rustc: "a native plugin in Rust, for its tests",
  "lua5.1": "runs the health script for Argo CD, whose Lua is 5.1",
  make: "every command of this project",
  "busybox-static": "the small image that shows what the test cluster can do",
  rbldnsd: "serves lists of Spamhaus under a key of our own",
  chromium: "the pages of the web administration, in their tests",
  rpm: "builds and tests packages for rpm",
  "createrepo-c": "indexes a yum repository",
  "apt-utils": "indexes an apt repository",
  gnupg: "signs repositories and packages",
  systemd: "checks the units in packages (systemd-analyze)",
  postfix: "a real mail server as peer; smtp-source and smtp-sink",
  strace: "counts system calls in make bench",
  prometheus: "promtool, which checks metrics and alerts",
  valgrind: "watches the memory of the addon (make native-sanitize)",
  notmuch: "threads mail as clients do, for notices (threads.test.ts)",
  slapd: "a real directory for scripts (ldap.test.ts)",
};

/** Installs what is missing; resolves with the names. Rejects with what apt said. */
export async function installPackages(say: (line: string) => void): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const name of Object.keys(packages)) if (!(await isThere(name))) missing.push(name);
  if (missing.length === 0) return [];
  say(`Debian packages, about 60 s: ${missing.map((name) => `${name} (${packages[name]})`).join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await run("apt-get", ["update", "-q"], { env, timeoutMs: 300_000 });
  const patient = ["-o", "DPkg::Lock::Timeout=600"];
  const install = [...patient, "install", "-y", "-q", "--no-install-recommends", ...missing];
  await run("apt-get", install, { env, timeoutMs: 900_000 });
  return missing;
}

/** Compilers may have come another way, and then a second one would only be in the way. */
const compilers: ReadonlySet<string> = new Set(["gcc", "g++", "rustc"]);

async function isThere(name: string): Promise<boolean> {
  if (compilers.has(name) && (await tryRun(name, ["--version"]).catch(() => null))?.code === 0) return true;
  const { stdout } = await tryRun("dpkg", ["--status", name]);
  return stdout.includes("Status: install ok installed");
}
