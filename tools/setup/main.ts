/** Makes a fresh Debian machine ready for tests and demo: packages, Go programs, mail servers as peers. A second run takes a second. */
import { Progress } from "../../e2e/progress.ts";
import { installPackages } from "./packages.ts";
import { ensurePeer, peerNames } from "./peers.ts";
import { ensureProgram, programNames } from "./programs.ts";

const progress = new Progress("setup");
await installPackages(progress.say);
for (const name of programNames) await ensureProgram(name, progress.say);
for (const name of peerNames) await ensurePeer(name, progress.say);
