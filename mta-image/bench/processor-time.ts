/**
 * Processor time that a process has used so far, as Linux counts it: in nanoseconds, where the figure in `stat` has
 * hundredths of a second. Rejects when the process is gone.
 */
import { readFile } from "node:fs/promises";

/** Of the thread that runs JavaScript: what V8 compiles and sweeps beside it comes and goes with its own mood. */
export async function mainThreadMicroseconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, "utf8");
  return Number(text.split(" ")[0]) / 1000;
}
