/**
 * One at a time over processes: `act` runs while a lock on a file is held. The kernel drops the lock with the process
 * that holds it, so a run that is killed blocks nobody. Rejects with what `act` threw, or when flock(1) cannot start.
 */
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  // It says a line once it has the lock, and lets go when its input ends, which it does when this process dies.
  const holder = spawn("flock", [path, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("close", (code) => reject(new Error(`flock ${path} ended with ${code}`)));
  });
  try {
    return await act();
  } finally {
    holder.stdin.end();
  }
}
