/** The Linux packages as people get them: from the repositories, into a Debian of its own and into a root of rpm's. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { run, tryRun } from "../../e2e/peers/shell.ts";
import { buildPackages } from "./build.ts";
import { DebianRoot } from "./debian-root.ts";
import { packagePlans } from "./plan.ts";
import { Signer } from "./signing.ts";

const isRoot = process.getuid?.() === 0;
const [OLD, NEW] = ["0.0.1", "0.0.2"];

/** Starts what the unit starts, as the user that it names, and waits for a sign of life. */
function start(unit: string, sign: string, capability = ""): string {
  const file = `/usr/lib/systemd/system/${unit}.service`;
  const caps = capability === "" ? "" : `--inh-caps +${capability} --ambient-caps +${capability}`;
  return `
    command=$(sed -n 's/^ExecStart=//p' ${file}); user=$(sed -n 's/^User=//p' ${file})
    setpriv --reuid "$user" --regid "$user" --init-groups ${caps} $command >/tmp/${unit}.log 2>&1 &
    for i in $(seq 300); do ${sign} && break; sleep 0.1; done
    ${sign} || { cat /tmp/${unit}.log >&2; exit 1; }`;
}

const fetches = (script: string): string => `/usr/lib/mailfleet/bin/node -e '${script}'`;
const webAnswers = fetches(
  'fetch("http://127.0.0.1:8080/healthy").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))',
);
/** Logs in with the password that the installation made and says what `script` says of `ask`. */
const asks = (script: string): string =>
  fetches(`
  const password = require("fs").readFileSync("/var/lib/mailfleet-web/initial-password", "utf8").trim();
  const headers = { "content-type": "application/json" };
  (async () => {
    const base = "http://127.0.0.1:8080";
    const login = await fetch(base + "/api/login", { method: "POST", headers, body: JSON.stringify({ user: "admin", password }) });
    headers.cookie = login.headers.get("set-cookie").split(";")[0];
    const page = await fetch(base + "/");
    const ask = async (path, body) =>
      (await fetch(base + "/api" + path, { headers, ...(body ? { method: "POST", body: JSON.stringify(body) } : {}) })).json();
    ${script}
  })();`);
const overview = asks(`
    const { engines, failures } = await ask("/overview");
    console.log(login.status, page.status, engines.map((e) => e.name + " " + e.status.state).join(), failures.length);`);
/** A change of the configuration is looked at by a program of its own. */
const lint = asks(`
    const { revisions } = await ask("/config");
    const { problems } = await ask("/config/lint", { revision: revisions[0].revision, files: { "smtpd-policy.yaml": "rats: 1" } });
    console.log(problems.map(({ file, path, reason }) => file + " " + path + " " + reason).join());`);

const KEY = "packages@mailfleet.test";

/** A key of its own, with nothing of the user's: gpg looks where GNUPGHOME says. */
async function makeKey(home: string): Promise<void> {
  mkdirSync(home, { mode: 0o700 });
  process.env["GNUPGHOME"] = home;
  const how = ["--batch", "--passphrase", "", "--quick-generate-key", KEY, "rsa3072", "sign", "never"];
  await run("gpg", how);
}

describe("the Linux packages", { skip: isRoot ? false : "needs root" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mailfleet-packages-test-"));
  let debian: DebianRoot;
  const keys = mkdtempSync(join(tmpdir(), "keys-"));
  before(async () => {
    await makeKey(`${keys}/gnupg`);
    await buildPackages({ folder, versions: [OLD, NEW], signer: new Signer(KEY), say: () => {} });
    debian = await DebianRoot.make();
    cpSync(`${folder}/apt`, `${debian.folder}/packages`, { recursive: true });
    cpSync(`${folder}/mailfleet.asc`, `${debian.folder}/etc/apt/keyrings/ours.asc`);
    const source = "deb [signed-by=/etc/apt/keyrings/ours.asc] file:/packages stable main\n";
    writeFileSync(`${debian.folder}/etc/apt/sources.list`, source);
    await debian.must("apt-get update -q");
  });
  after(async () => {
    await debian?.remove();
    await run("gpgconf", ["--kill", "gpg-agent"]);
    rmSync(keys, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  const install = (version: string): Promise<string> => {
    const names = ["runtime", "mta", "web", "egress", "plugin-sdk"].map(
      (name) => `mailfleet-${name}=${version}`,
    );
    return debian.must(`apt-get install -y -q ${names.join(" ")}`);
  };

  test("install from the apt repository, with users, secrets that only they read, and manual pages", async () => {
    await install(OLD);
    const modes = await debian.must(
      "stat -c '%a %U:%G %n' /etc/halon/admin-token /etc/mailfleet/web-users.yaml /var/lib/mailfleet-web/session-key /var/lib/mailfleet-web/initial-password /var/spool/halon/queue",
    );
    assert.equal(
      modes,
      [
        "640 root:mailfleet /etc/halon/admin-token",
        "640 root:mailfleet-web /etc/mailfleet/web-users.yaml",
        "600 mailfleet-web:mailfleet-web /var/lib/mailfleet-web/session-key",
        "600 root:root /var/lib/mailfleet-web/initial-password",
        "750 mailfleet:mailfleet /var/spool/halon/queue",
      ].join("\n"),
    );
    assert.match(await debian.must("id mailfleet-web"), /groups=.*\(mailfleet\)/);
    assert.match(await debian.must("zcat /usr/share/man/man8/mailfleet-web.8.gz"), /hash-password/);
    assert.match(await debian.must("head -20 /opt/halon/include/HalonMTA.h"), /HalonMTA|Halon/);
    assert.match(await debian.must("zcat /usr/share/man/man8/mailfleet-egress.8.gz"), /PROXY header/);
    assert.match(await debian.must("mailfleet-egress --help"), /--source ADDRESS/);
    assert.match(await debian.must("smtpd -c /etc/halon/smtpd.yaml --check && echo fine"), /fine/);
  });

  test("apt takes no index that was changed, nor one by another key", async () => {
    const release = `${debian.folder}/packages/dists/stable/InRelease`;
    const [index, key] = [readFileSync(release, "utf8"), `${debian.folder}/etc/apt/keyrings/ours.asc`];
    const own = readFileSync(key, "utf8");
    const update = async (): Promise<string> => {
      const { code, stdout, stderr } = await debian.sh("apt-get update -q -o APT::Update::Error-Mode=any");
      return `${code} ${stdout} ${stderr}`;
    };
    writeFileSync(release, index.replace("Origin: Mailfleet", "Origin: Somebody"));
    assert.match(await update(), /^100 [\s\S]*(BADSIG|invalid|not signed)/i);
    writeFileSync(release, index);
    const home = `${keys}/other`;
    await makeKey(home);
    await new Signer(KEY).publish(key);
    assert.match(await update(), /^100 [\s\S]*NO_PUBKEY/);
    await run("gpgconf", ["--kill", "gpg-agent"]);
    process.env["GNUPGHOME"] = `${keys}/gnupg`;
    writeFileSync(key, own);
    assert.match(await update(), /^0 /);
  });

  test("what the units start runs as its user, and the web administration shows the engine beside it", async () => {
    const engine = start("mailfleet-mta", "mtactl status >/dev/null 2>&1", "net_bind_service");
    const web = start("mailfleet-web", webAnswers);
    const said = await debian.must(`${engine}\n${web}\n${overview}\n${lint}`);
    const problem = "smtpd-policy.yaml rats unknown key; check its spelling and place";
    assert.equal(said, `200 200 localhost Serving 0\n${problem}`);
  });

  test("systemd finds nothing wrong with the units, and little that they leave open", async () => {
    const units = ["mailfleet-mta.service", "mailfleet-web.service", "mailfleet-egress.service"];
    const place = "usr/lib/systemd/system";
    // What every system has that runs systemd; this root has none.
    for (const name of readdirSync(`/${place}`).filter((file) => file.endsWith(".target")))
      cpSync(`/${place}/${name}`, join(debian.folder, place, name), { verbatimSymlinks: true });
    const analyze = (...args: readonly string[]) =>
      tryRun("systemd-analyze", [`--root=${debian.folder}`, "--no-pager", "--man=no", ...args, ...units]);
    assert.deepEqual(await analyze("verify"), { code: 0, stdout: "", stderr: "" });
    // Of 100; it ends with 1 beyond that.
    const judged = await analyze("security", "--offline=true", "--threshold=40");
    assert.equal(judged.code, 0, judged.stdout);
  });

  test("an upgrade keeps what was changed and made, and runs on", async () => {
    await debian.must("sed -i 's/^title: .*/title: Ours/' /etc/mailfleet/web.yaml");
    const secrets =
      "sha256sum /etc/mailfleet/web-users.yaml /etc/halon/admin-token /var/lib/mailfleet-web/session-key";
    const before = await debian.must(secrets);
    await install(NEW);
    assert.equal(await debian.must(secrets), before);
    assert.match(await debian.must("cat /etc/mailfleet/web.yaml"), /^title: Ours$/m);
    assert.match(await debian.must(`${start("mailfleet-web", webAnswers)}\n${overview}`), /^200 200 {2}1$/);
  });

  test("removing leaves configuration, purging leaves nothing but queued mail", async () => {
    await debian.must(
      "touch /var/spool/halon/queue/mail && apt-get remove -y -q mailfleet-web mailfleet-mta mailfleet-egress mailfleet-runtime mailfleet-plugin-sdk",
    );
    const left =
      "find / -xdev \\( -path '/packages' -o -path /proc -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \\) -prune -o \\( -iname '*mailfleet*' -o -path '*halon*' \\) -print | sort";
    assert.doesNotMatch(await debian.must(left), /\/usr\/|\/opt\//);
    assert.match(await debian.must("cat /etc/mailfleet/web.yaml"), /title: Ours/);
    await debian.must("apt-get purge -y -q mailfleet-web mailfleet-mta mailfleet-egress");
    const kept = (await debian.must(left)).split("\n").filter((path) => !path.startsWith("/tmp/"));
    assert.ok(kept.includes("/var/spool/halon/queue/mail"));
    assert.deepEqual(
      kept.filter((path) => !path.startsWith("/var/spool/halon")),
      [],
    );
  });

  test("rpm installs, upgrades and removes the same, and its repository names all packages", async () => {
    const root = debian.folder;
    const rpm = (...args: readonly string[]): Promise<string> =>
      run("rpm", ["--root", root, "--dbpath", "/var/lib/rpm", ...args], { timeoutMs: 120_000 });
    mkdirSync(join(root, "var/lib/rpm"), { recursive: true });
    const yum = join(root, "yum");
    cpSync(`${folder}/yum`, yum, { recursive: true });
    const files = (version: string): string[] =>
      packagePlans.map(
        ({ name, isForAll }) => `${yum}/${name}-${version}-1.${isForAll ? "noarch" : "x86_64"}.rpm`,
      );
    const database = ["--dbpath", `${keys}/rpm`];
    mkdirSync(`${keys}/rpm`);
    const check = (path: string) => tryRun("rpmkeys", [...database, "--checksig", path]);
    assert.match((await check(files(OLD)[1] ?? "")).stdout, /SIGNATURES NOT OK/);
    await run("rpmkeys", [...database, "--import", `${folder}/mailfleet.asc`]);
    for (const path of readdirSync(yum).filter((name) => name.endsWith(".rpm")))
      assert.match((await check(join(yum, path))).stdout, /: digests signatures OK$/);
    const index = join(yum, "repodata/repomd.xml");
    await run("gpg", ["--verify", `${index}.asc`, index]);
    // Debian's root has no database of rpm's that could say that shell and useradd are there.
    await rpm("--install", "--nodeps", ...files(OLD));
    writeFileSync(
      join(root, "etc/mailfleet/web.yaml"),
      `# ours\n${await debian.must("cat /etc/mailfleet/web.yaml")}`,
    );
    await rpm("--upgrade", "--nodeps", ...files(NEW));
    assert.match(await rpm("--query", "mailfleet-web"), new RegExp(`^mailfleet-web-${NEW}-1`));
    assert.match(await debian.must("cat /etc/mailfleet/web.yaml"), /^# ours/);
    const engine = start("mailfleet-mta", "mtactl status >/dev/null 2>&1", "net_bind_service");
    const said = await debian.must(`${engine}\n${start("mailfleet-web", webAnswers)}\n${overview}`);
    assert.equal(said, "200 200 localhost Serving 0");
    assert.match(
      await rpm("--query", "--requires", "mailfleet-web"),
      new RegExp(`mailfleet-runtime = ${NEW}`),
    );
    await rpm("--erase", ...packagePlans.map(({ name }) => name));
    const left =
      "ls /usr/bin /usr/sbin /usr/lib /usr/lib/systemd/system /opt/halon | grep -E 'mailfleet|mtactl|smtpd|HalonMTA'";
    assert.equal((await debian.sh(left)).stdout, "");
    assert.equal(await debian.must("ls /var/spool/halon/queue/mail"), "/var/spool/halon/queue/mail");
    const listed = await run("sh", [
      "-c",
      `zcat '${folder}'/yum/repodata/*primary.xml.gz || zstdcat '${folder}'/yum/repodata/*primary.xml.zst`,
    ]);
    for (const { name } of packagePlans) assert.match(listed, new RegExp(`<name>${name}</name>`));
  });
});
