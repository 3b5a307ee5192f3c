import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { choosePlugins } from "./choose.ts";

const folder = mkdtempSync(join(tmpdir(), "choose-"));
const autoload = join(folder, "autoload/smtpd");
mkdirSync(autoload, { recursive: true });
for (const name of ["zip", "env", "warmup"])
  symlinkSync(join(folder, `${name}.so`), join(autoload, `${name}.so`));
writeFileSync(join(autoload, "README"), "no plugin");
after(() => rmSync(folder, { recursive: true }));

const choose = (program: "smtpd" | "hsh") =>
  choosePlugins({
    folder,
    program,
    configured: [
      { id: "warmup", path: null, config: { days: 1 } },
      { id: "own", path: "/srv/own.so", config: undefined },
    ],
    appConfigs: new Map<string, unknown>([
      ["env", { x: 1 }],
      ["gone", {}],
    ]),
  });

test("configured plugins come first, then those of the autoload folder by name, each once", async () => {
  assert.deepEqual(await choose("smtpd"), [
    { id: "warmup", path: join(folder, "warmup.so"), config: { days: 1 }, appConfig: null },
    { id: "own", path: "/srv/own.so", config: null, appConfig: null },
    { id: "env", path: join(autoload, "env.so"), config: null, appConfig: { x: 1 } },
    { id: "zip", path: join(autoload, "zip.so"), config: null, appConfig: null },
  ]);
});

test("each program has its own autoload folder, and a missing one holds nothing", async () => {
  assert.deepEqual(
    (await choose("hsh")).map(({ id }) => id),
    ["warmup", "own"],
  );
});

test("an autoload folder that is no folder is told", async () => {
  mkdirSync(join(folder, "odd/autoload"), { recursive: true });
  writeFileSync(join(folder, "odd/autoload/smtpd"), "");
  const choice = {
    folder: join(folder, "odd"),
    program: "smtpd",
    configured: [],
    appConfigs: new Map(),
  } as const;
  await assert.rejects(choosePlugins(choice), /the folder .*autoload\/smtpd cannot be read: ENOTDIR/);
});
