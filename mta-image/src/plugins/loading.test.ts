/** Plugins and their libraries, of which one needs a function that is nowhere. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { PluginCheck } from "#contract/plugin-check.ts";

import { makeTestHost } from "../../testing/native-plugins.ts";

const header = join(import.meta.dirname, "../../native/include");
const folder = mkdtempSync(join(tmpdir(), "loading-"));
const { host, lines } = makeTestHost();
after(() => rmSync(folder, { recursive: true }));

/** Builds a shared object from C; `libraries` are those that it links. Gives its path. */
function build(name: string, source: string, ...libraries: readonly string[]): string {
  const path = join(folder, `${name}.so`);
  const linking = ["-Wl,-z,lazy", `-Wl,-rpath,${folder}`, "-Wl,--unresolved-symbols=ignore-all"];
  const input = ["-x", "c", "-", "-x", "none", ...libraries];
  execFileSync("gcc", ["-fPIC", "-shared", `-I${header}`, ...input, ...linking, "-o", path], {
    input: source,
    stdio: ["pipe", "ignore", "inherit"],
  });
  return path;
}

const version =
  "#include <HalonMTA.h>\nHALON_EXPORT int Halon_version(void) { return HALONMTA_PLUGIN_VERSION; }\n";
const load = (id: string, path: string) => host.load([{ id, path, config: null, appConfig: null }]);

/** A library that does one thing, and could do another if it had `lacking`. */
const half = (name: string, lacking: string): string =>
  build(name, `void ${lacking}(void); void rare(void) { ${lacking}(); } int six(void) { return 6; }`);

test("a library that lacks what nobody asks it for keeps no plugin out, and the log says what it lacks", async () => {
  const library = half("half", "absent");
  const source = `${version} int six(void);
    HALON_EXPORT bool Halon_init(HalonInitContext* context) { (void)context; return six() == 6; }`;
  await load("rests-on-half", build("rests-on-half", source, library));
  assert.deepEqual(lines, [`plugin-library-incomplete rests-on-half ${library}: undefined symbol: absent`]);
  host.init();
});

test("a plugin that itself calls what is nowhere is refused by the name of that", async () => {
  const source = `${version} void rare(void); void nowhere(void);
    HALON_EXPORT void Halon_cleanup(void) { nowhere(); rare(); }`;
  const path = build("calls-nowhere", source, half("half-too", "missing_too"));
  await assert.rejects(load("calls-nowhere", path), /calls-nowhere\.so: undefined symbol: nowhere$/);
});

test("a weak function may be nowhere", async () => {
  const source = `${version} int six(void); void perhaps(void) __attribute__((weak));
    HALON_EXPORT bool Halon_init(HalonInitContext* context) {
      (void)context;
      if (perhaps) perhaps();
      return six() == 6;
    }`;
  await load("asks-first", build("asks-first", source, half("half-three", "lost")));
  host.init();
});

test("a function of its own that a plugin chooses when it is loaded is no missing one", async () => {
  const source = `${version} int six(void);
    static int yes(void) { return 1; }
    static int (*choose(void))(void) { return yes; }
    static int is_chosen(void) __attribute__((ifunc("choose")));
    HALON_EXPORT bool Halon_init(HalonInitContext* context) { (void)context; return is_chosen() == 1 && six() == 6; }`;
  await load("chooses", build("chooses", source, half("half-four", "vanished")));
  host.init();
});

/** What plugin-check says of a file, in a process of its own that looks for libraries in `libraries` first. */
function refusalOf(path: string, libraries: string): string | null {
  const program = join(import.meta.dirname, "../../bin/plugin-check");
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  return PluginCheck.parse(JSON.parse(spawnSync(program, [path], { encoding: "utf8", env }).stdout)).refusal;
}

test("a plugin finds the libraries that public plugins count on without linking them", () => {
  build("libbsd", "int lent(void) { return 7; }");
  renameSync(join(folder, "libbsd.so"), join(folder, "libbsd.so.0"));
  const source = `#include <HalonMTA.h>
    int lent(void);
    HALON_EXPORT int Halon_version(void) { return lent() == 7 ? HALONMTA_PLUGIN_VERSION : 0; }`;
  const path = build("borrows", source);
  assert.equal(refusalOf(path, folder), null);
  assert.match(refusalOf(path, "") ?? "", /undefined symbol: lent$/);
});
