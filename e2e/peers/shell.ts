/**
 * Running programs for scenarios: one call that waits, one that leaves a child running. Output is kept for
 * the error message, so a failing step says what the program said. Optionally inside a network namespace,
 * entered with nsenter (`ip netns exec` would hide the cgroups).
 */
import { type ChildProcess, spawn } from "node:child_process";

export interface RunOptions {
  readonly input?: string;
  readonly namespace?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end and returns what happened; never throws for a non-zero exit. */
export function tryRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, options);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    const kill = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(kill);
      resolve({ code, stdout: text(stdout), stderr: text(stderr) });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** Runs to the end and returns standard output; a non-zero exit throws with what the program said. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const result = await tryRun(program, args, options);
  if (result.code !== 0) {
    throw new Error(
      `${program} ${args.join(" ")} ended with ${result.code}: ${result.stderr || result.stdout}`,
    );
  }
  return result.stdout;
}

/** Starts a child with pipes; the caller ends it. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): ChildProcess {
  const inside = options.namespace ?? null;
  const command =
    inside === null ? [program, ...args] : ["nsenter", `--net=/run/netns/${inside}`, program, ...args];
  const [first = program, ...rest] = command;
  return spawn(first, rest, {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8").trim();
}
