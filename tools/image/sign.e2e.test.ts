/** A signed image before the verifier of containers/image, as buildah has it; podman, CRI-O and skopeo have the same. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { type RunResult, run, tryRun } from "../../e2e/peers/shell.ts";
import { Signer } from "../packages/signing.ts";
import { buildImage } from "./buildah.ts";
import { signImage } from "./sign.ts";

const OURS = "images@mailfleet.test";
const OTHER = "other@mailfleet.test";
const REPOSITORY = "registry.example/mailfleet/mta";

describe("a signed image", { timeout: 200_000 }, () => {
  let folder: string;
  let digest: string;
  const keyOf = (name: string): string => join(folder, `${name}.gpg`);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signed-"));
    process.env["GNUPGHOME"] = join(folder, "gnupg");
    await mkdir(process.env["GNUPGHOME"], { mode: 0o700 });
    for (const key of [OURS, OTHER]) {
      const make = ["--quick-generate-key", key, "rsa3072", "sign", "never"];
      await run("gpg", ["--batch", "--passphrase", "", ...make]);
      await run("gpg", ["--batch", "--output", keyOf(key), "--export", key]);
    }
    const [context, archive, name] = [
      join(folder, "context"),
      join(folder, "image.tar"),
      "localhost/small:dev",
    ];
    await mkdir(context);
    await writeFile(join(context, "file"), "content");
    await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY file /file\n");
    await buildImage({ name, dockerfile: join(context, "Dockerfile"), context, archive });
    const image = { archive, name, published: `${REPOSITORY}:1.0.0`, folder: join(folder, "signed") };
    digest = await signImage(image, new Signer(OURS));
  });
  after(async () => {
    await tryRun("gpgconf", ["--kill", "gpg-agent"]);
    await rm(folder, { recursive: true, force: true });
  });

  /** What comes of taking the image in a folder where only this key's word for this repository is good. */
  async function take(image: string, key: string, repository = REPOSITORY): Promise<RunResult> {
    const signedIdentity = { type: "exactRepository", dockerRepository: repository };
    const rule = { type: "signedBy", keyType: "GPGKeys", keyPath: keyOf(key), signedIdentity };
    const policy = join(folder, "policy.json");
    await writeFile(
      policy,
      JSON.stringify({ default: [{ type: "reject" }], transports: { dir: { "": [rule] } } }),
    );
    const storage = await mkdtemp(join(folder, "storage-"));
    const where = ["--root", `${storage}/root`, "--runroot", `${storage}/run`, "--storage-driver", "vfs"];
    return tryRun("buildah", [...where, "pull", "--quiet", "--signature-policy", policy, `dir:${image}`]);
  }
  const signed = (): string => join(folder, "signed");

  async function copy(change: (at: string) => Promise<void>): Promise<string> {
    const at = await mkdtemp(join(folder, "copy-"));
    await cp(signed(), at, { recursive: true });
    await change(at);
    return at;
  }

  test("is taken by the key of whoever made it, and has the digest that is told", async () => {
    const { code, stderr } = await take(signed(), OURS);
    assert.equal(code, 0, stderr);
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.ok((await readFile(join(signed(), "signature-1"))).length > 0);
  });

  test("is refused by another key, and as another repository", async () => {
    const stranger = await take(signed(), OTHER);
    assert.notEqual(stranger.code, 0);
    assert.match(stranger.stderr, /signature|key/i);
    const elsewhere = await take(signed(), OURS, "registry.example/other");
    assert.notEqual(elsewhere.code, 0);
    assert.match(elsewhere.stderr, /not accepted|reference/i);
  });

  test("is refused with another manifest, and without its signature", async () => {
    const changed = await copy(async (at) => {
      const text = await readFile(join(at, "manifest.json"), "utf8");
      await writeFile(join(at, "manifest.json"), `${text} `);
    });
    const tampered = await take(changed, OURS);
    assert.notEqual(tampered.code, 0);
    assert.match(tampered.stderr, /digest|accepted/i);
    const bare = await take(await copy((at) => rm(join(at, "signature-1"))), OURS);
    assert.notEqual(bare.code, 0);
    assert.match(bare.stderr, /signature was required|no signature/i);
  });
});
