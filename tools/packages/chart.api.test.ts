/** The chart as people get it: from a repository, with a provenance that helm itself verifies. */
import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { run, tryRun } from "../../e2e/peers/shell.ts";
import { findProgram } from "../../helm/helm.ts";
import { packChart } from "./chart.ts";
import { Signer } from "./signing.ts";

const KEY = "charts@mailfleet.test";

describe("the chart's repository", () => {
  let folder = "";
  let archive = "";
  const helm = findProgram("helm");
  const keyring = (name: string): string[] => ["--keyring", join(folder, name)];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "chart-"));
    process.env["GNUPGHOME"] = join(folder, "gnupg");
    await mkdir(process.env["GNUPGHOME"], { mode: 0o700 });
    for (const key of [KEY, "other@mailfleet.test"])
      await run("gpg", [
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        key,
        "rsa3072",
        "sign",
        "never",
      ]);
    await run("gpg", ["--batch", "--output", join(folder, "ours.gpg"), "--export", KEY]);
    await run("gpg", ["--batch", "--output", join(folder, "other.gpg"), "--export", "other@mailfleet.test"]);
    archive = await packChart(join(folder, "charts"), new Signer(KEY));
  });
  after(async () => {
    await tryRun("gpgconf", ["--kill", "gpg-agent"]);
    await rm(folder, { recursive: true, force: true });
  });

  test("has an archive that helm verifies by the public key, and by no other", async () => {
    assert.match(await run(helm, ["verify", archive, ...keyring("ours.gpg")]), /charts@mailfleet\.test/);
    const stranger = await tryRun(helm, ["verify", archive, ...keyring("other.gpg")]);
    assert.notEqual(stranger.code, 0);
    assert.match(stranger.stderr, /unknown entity/);
  });

  test("gives it over HTTP to a helm that insists on the signature", async () => {
    const server = createServer((request, response) => {
      readFile(join(folder, "charts", basename(request.url ?? ""))).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
    const args = [
      "template",
      "mailfleet",
      "mailfleet",
      "--repo",
      url,
      "--kube-version",
      "1.36.0",
      "--verify",
    ];
    const rendered = await run(helm, [...args, ...keyring("ours.gpg")], { env });
    assert.match(rendered, /kind: Deployment/);
    await assert.rejects(run(helm, [...args, ...keyring("other.gpg")], { env }), /unknown entity/);
    server.close();
  });

  test("is refused when a byte of the archive is another one", async () => {
    await appendFile(archive, "x");
    const { code, stderr } = await tryRun(helm, ["verify", archive, ...keyring("ours.gpg")]);
    assert.notEqual(code, 0);
    assert.match(stderr, /sha256 sum does not match/);
  });

  test("is made without a key too, and then says nothing of who made it", async () => {
    const plain = await packChart(join(folder, "plain"), null);
    assert.match(await readFile(join(folder, "plain", "index.yaml"), "utf8"), /name: mailfleet/);
    assert.notEqual((await tryRun(helm, ["verify", plain, ...keyring("ours.gpg")])).code, 0);
  });
});
