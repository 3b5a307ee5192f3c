/** That HalonMTA.h compiles as the languages which plugins are written in, old sources among them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const include = join(import.meta.dirname, "../include");
const version = "HALON_EXPORT int Halon_version() { return HALONMTA_PLUGIN_VERSION; }";

/** What the compiler says of `lines` behind the header; "" when it takes them. */
function complaints(language: "c" | "c++", standard: string, ...lines: readonly string[]): string {
  const flags = [`-std=${standard}`, "-pedantic", "-Wall", "-Werror", "-fsyntax-only", `-I${include}`];
  const input = ["#include <HalonMTA.h>", ...lines, ""].join("\n");
  const { status, stderr, error } = spawnSync("g++", [...flags, "-x", language, "-"], {
    input,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return status === 0 ? "" : stderr;
}

test("the header compiles as C99 and later, and as C++11 and later, without a warning", () => {
  for (const standard of ["c99", "c11", "c17"])
    assert.equal(complaints("c", standard, version), "", standard);
  for (const standard of ["c++11", "c++17", "c++20"]) {
    assert.equal(complaints("c++", standard, version), "", standard);
  }
});

test("sources of 2021 that include neither <memory> nor <mutex> compile", () => {
  const pointer = "std::shared_ptr<int> latest;";
  assert.equal(complaints("c++", "c++17", version, pointer), "");
  const lock = "std::mutex gate; void in() { std::unique_lock<std::mutex> lock(gate); }";
  assert.equal(complaints("c++", "c++17", version, lock), "");
});
