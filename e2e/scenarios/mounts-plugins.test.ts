import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { buildPluginImage } from "../../tools/plugin-image.ts";
import { run } from "../peers/shell.ts";
import { Stage } from "./stage.ts";

describe("a native plugin", { timeout: 300_000 }, () => {
  let stage: Stage;
  let folder: string;
  let digest: string;

  before(async () => {
    stage = await Stage.open("plugins");
    folder = await mkdtemp(join(tmpdir(), "plugin-"));
    const source = join(folder, "small.c");
    const library = join(folder, "small.so");
    const version = "HALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }";
    await writeFile(source, `#include <HalonMTA.h>\n${version}\n`);
    const include = join(import.meta.dirname, "../../mta-image/native/include");
    await run("gcc", [`-I${include}`, "-shared", "-fPIC", "-o", library, source]);
    digest = createHash("sha256")
      .update(await readFile(library))
      .digest("hex");
    const archive = join(folder, "small.tar");
    await buildPluginImage({ file: library, name: "localhost/small-plugin:1", archive });
    await stage.lab.cluster.importImage(archive);
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await stage?.close();
  });

  test("is mounted from its image, and the status tells the digest of its file", async () => {
    await stage.apply({
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "NativePlugin",
      metadata: { name: "small" },
      spec: { source: { image: { reference: "localhost/small-plugin:1", path: "small.so" } } },
    });
    await stage.applyCluster("outbound", { replicas: 1, plugins: [{ name: "small" }] });
    const { status } = await stage.until("outbound", (view) => view.status.plugins[0]?.sha256 !== undefined);
    assert.deepEqual(status.plugins, [{ name: "small", state: "Present", sha256: digest }]);
  });
});
