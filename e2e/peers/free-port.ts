/**
 * A port of the loopback for a program that must be told one. It lies below those that the system gives out by itself,
 * to listeners at port 0 and to connections: one of these could be given to somebody else before the program listens,
 * and a test would then talk to a stranger. Rejects when a hundred in a row are taken.
 */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const FIRST = 15_000;
/** Below what Linux (32768) gives out by itself, and what Kubernetes gives to services of nodes (30000). */
const END = 30_000;
const MOST_TRIES = 100;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among ${MOST_TRIES}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
