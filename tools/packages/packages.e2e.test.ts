/** The Linux packages as people get them: from the repositories, into a Debian of its own and into a root of rpm's. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { run } from "../../e2e/peers/shell.ts";
import { buildPackages } from "./build.ts";
import { DebianRoot } from "./debian-root.ts";

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
/** Logs in with the password that the installation made and asks for the engines. */
const overview = fetches(`
  const password = require("fs").readFileSync("/var/lib/mailfleet-web/initial-password", "utf8").trim();
  const json = { "content-type": "application/json" };
  (async () => {
    const base = "http://127.0.0.1:8080";
    const login = await fetch(base + "/api/login", { method: "POST", headers: json, body: JSON.stringify({ user: "admin", password }) });
    const cookie = login.headers.get("set-cookie").split(";")[0];
    const page = await fetch(base + "/");
    const { engines, failures } = await (await fetch(base + "/api/overview", { headers: { cookie } })).json();
    console.log(login.status, page.status, engines.map((e) => e.name + " " + e.status.state).join(), failures.length);
  })();`);

describe("the Linux packages", { skip: isRoot ? false : "needs root" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mailfleet-packages-test-"));
  let debian: DebianRoot;
  before(async () => {
    await buildPackages({ folder, versions: [OLD, NEW], say: () => {} });
    debian = await DebianRoot.make();
    cpSync(`${folder}/apt`, `${debian.folder}/packages`, { recursive: true });
    writeFileSync(`${debian.folder}/etc/apt/sources.list`, "deb [trusted=yes] file:/packages stable main\n");
    await debian.must("apt-get update -q");
  });
  after(async () => {
    await debian?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const install = (version: string): Promise<string> => {
    const names = ["runtime", "mta", "web", "plugin-sdk"].map((name) => `mailfleet-${name}=${version}`);
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
    assert.match(await debian.must("smtpd -c /etc/halon/smtpd.yaml --check && echo fine"), /fine/);
  });

  test("what the units start runs as its user, and the web administration shows the engine beside it", async () => {
    const engine = start("mailfleet-mta", "mtactl status >/dev/null 2>&1", "net_bind_service");
    const web = start("mailfleet-web", webAnswers);
    assert.equal(await debian.must(`${engine}\n${web}\n${overview}`), "200 200 localhost Serving 0");
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
      "touch /var/spool/halon/queue/mail && apt-get remove -y -q mailfleet-web mailfleet-mta mailfleet-runtime mailfleet-plugin-sdk",
    );
    const left =
      "find / -xdev \\( -path '/packages' -o -path /proc -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache \\) -prune -o \\( -iname '*mailfleet*' -o -path '*halon*' \\) -print | sort";
    assert.doesNotMatch(await debian.must(left), /\/usr\/|\/opt\//);
    assert.match(await debian.must("cat /etc/mailfleet/web.yaml"), /title: Ours/);
    await debian.must("apt-get purge -y -q mailfleet-web mailfleet-mta");
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
      ["runtime", "web"].map(
        (name) => `${yum}/mailfleet-${name}-${version}-1.${name === "web" ? "noarch" : "x86_64"}.rpm`,
      );
    await run("rpm", ["--checksig", "--nosignature", ...files(OLD)]);
    // Debian's root has no database of rpm's that could say that shell and useradd are there.
    await rpm("--install", "--nodeps", ...files(OLD));
    writeFileSync(
      join(root, "etc/mailfleet/web.yaml"),
      `# ours\n${await debian.must("cat /etc/mailfleet/web.yaml")}`,
    );
    await rpm("--upgrade", "--nodeps", ...files(NEW));
    assert.match(await rpm("--query", "mailfleet-web"), new RegExp(`^mailfleet-web-${NEW}-1`));
    assert.match(await debian.must("cat /etc/mailfleet/web.yaml"), /^# ours/);
    assert.match(await debian.must(`${start("mailfleet-web", webAnswers)}\n${overview}`), /^200 200/);
    assert.match(
      await rpm("--query", "--requires", "mailfleet-web"),
      new RegExp(`mailfleet-runtime = ${NEW}`),
    );
    await rpm("--erase", "mailfleet-web", "mailfleet-runtime", "--nodeps");
    assert.equal((await debian.sh("test -e /usr/bin/mailfleet-web")).code, 1);
    const index = await run("sh", [
      "-c",
      `zcat '${folder}'/yum/repodata/*primary.xml.gz || zstdcat '${folder}'/yum/repodata/*primary.xml.zst`,
    ]);
    for (const name of ["runtime", "mta", "web", "plugin-sdk"])
      assert.match(index, new RegExp(`<name>mailfleet-${name}</name>`));
  });
});
