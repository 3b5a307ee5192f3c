/**
 * PCRE2 as WebAssembly, read when the first pattern needs it: as a text of the program it was a sixth of it, which every
 * process would hold from its start. A bundle has the file beside it, under a name of its own (tools/bundle.ts).
 */
import { readFileSync } from "node:fs";

export function pcreBinary(): Uint8Array {
  return readFileSync(new URL("./generated/pcre.wasm", import.meta.url));
}
