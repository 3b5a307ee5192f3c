/**
 * What a process has used so far, as Linux counts it: processor time, and bytes that went to disk. A figure that cannot
 * be read is null. And the system calls of a run, by strace, which makes everything slow: never while time is measured.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

export interface Use {
  readonly cpuSeconds: number;
  readonly writtenBytes: number;
}

/** Linux counts processor time in hundredths of a second on every machine that Node runs on. */
const TICKS = 100;

export async function useOf(pid: number): Promise<Use | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const io = await readFile(`/proc/${pid}/io`, "utf8");
    // The name of the program, in brackets, may hold spaces; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
      writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]),
    };
  } catch {
    return null;
  }
}

/** All system calls of a process while `act` goes on; null where there is no strace. */
export async function syscallsOf(pid: number, act: () => Promise<void>): Promise<number | null> {
  const child = spawn("strace", ["-f", "-c", "-p", String(pid)], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const gone = new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", () => resolve(true));
  });
  await wait(1000);
  await act();
  child.kill("SIGINT");
  if (!(await gone)) return null;
  const total = /^\s*100\.00\s+\S+\s+\S+\s+(\d+)/m.exec(text)?.[1];
  return total === undefined ? null : Number(total);
}
