/**
 * Packages that few scripts need, read with the first call that does: public suffixes are a tree of ten thousand names that is
 * built while the package is read, in a loop long enough for V8 to bring its largest compiler in, and every engine paid for
 * both at its start. They are taken by `require`, for which a function of scripts does not have to wait. A bundle holds them
 * (tools/bundle.ts), so that what is missing is found when it is made; in a checkout it is found by the tests of the library.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export function publicSuffixes(): typeof import("tldts") {
  return require("tldts") as typeof import("tldts");
}

export function characterSets(): typeof import("iconv-lite") {
  return require("iconv-lite") as typeof import("iconv-lite");
}
