/**
 * What tests need of the native folders, made when it is not current. Test files run at the same time, so only one of them
 * makes; the others wait for it. Throws when it does not build.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const top = join(import.meta.dirname, "../..");
/** Elsewhere for the sanitizers' build, which has made everything before the tests run. */
export const nativeOut = process.env["MAILFLEET_NATIVE_OUT"] ?? join(top, "build/native");

export function makeNative(...targets: readonly string[]): void {
  if (process.env["MAILFLEET_NATIVE_READY"] !== "1") makeIn("mta-image/native", nativeOut, ...targets);
}

/** `folder` is relative to the top. */
export function makeIn(folder: string, out: string, ...targets: readonly string[]): void {
  mkdirSync(out, { recursive: true });
  const make = ["make", "-s", "-C", join(top, folder), `out=${out}`, ...targets];
  execFileSync("flock", [join(out, "lock"), ...make], { stdio: ["ignore", "ignore", "inherit"] });
}
