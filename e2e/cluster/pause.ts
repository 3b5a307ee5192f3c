/**
 * The image of the pod sandbox: ten lines of C, statically linked, in an image with nothing else. Made without a
 * registry and kept in the cache.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildImage } from "../../tools/image/buildah.ts";
import { cacheFolder } from "../../tools/setup/programs.ts";
import { run } from "../peers/shell.ts";
import { pauseImage } from "./places.ts";

const source = `#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, leave);
  signal(SIGTERM, leave);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
`;

/** Path of the archive. */
export async function pauseArchive(): Promise<string> {
  const archive = `${cacheFolder()}/images/pause-1.tar`;
  if (existsSync(archive)) return archive;
  await mkdir(`${cacheFolder()}/images`, { recursive: true });
  const context = await mkdtemp(join(tmpdir(), "pause-"));
  try {
    await writeFile(`${context}/pause.c`, source);
    await run("gcc", ["-static", "-Os", "-s", "-o", `${context}/pause`, `${context}/pause.c`]);
    const dockerfile = `${context}/Dockerfile`;
    await writeFile(dockerfile, 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n');
    await buildImage({ name: pauseImage, dockerfile, context, archive });
    return archive;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
