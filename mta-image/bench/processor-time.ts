/**
 * Processor time that a process has used so far, of all its threads, as Linux counts it: in nanoseconds, where the figure in `stat` has
 * hundredths of a second. What a thread used that has ended is not in it. Rejects when the process is gone.
 */
import { readFile, readdir } from "node:fs/promises";

export async function processorMicroseconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map((thread) => nanoseconds(`/proc/${pid}/task/${thread}/schedstat`)),
  );
  return times.reduce((sum, time) => sum + time, 0) / 1000;
}

/** 0 for a thread that has ended meanwhile. */
async function nanoseconds(path: string): Promise<number> {
  const text = await readFile(path, "utf8").catch(() => "0");
  return Number(text.split(" ")[0]);
}
