/**
 * Places in scripts out of JavaScript stacks: compiled programs register the name that V8 prints for them and their
 * table of lines. Reading is for errors only. Programs that are gone are forgotten.
 */
import type { Frame } from "./error.ts";
import type { Sources } from "./source.ts";

interface Registered {
  readonly lines: readonly number[];
  readonly sources: Sources;
}

const programs = new Map<string, WeakRef<Registered>>();
const forget = new FinalizationRegistry<string>((name) => programs.delete(name));
let next = 1;

/** The name to compile under; `keep` must live as long as the compiled code. */
export function registerProgram(lines: readonly number[], sources: Sources): { name: string; keep: object } {
  const name = `hsl-${next++}`;
  const keep = { lines, sources };
  programs.set(name, new WeakRef(keep));
  forget.register(keep, name);
  return { name, keep };
}

const FRAME =
  /at (?:async )?(?:(?:new )?(?:[\w$]+\.)*?([\w$]+)(?:\.next)? (?:\[as [^\]]*\] )?\()?(hsl-\d+):(\d+):\d+/g;

/** More say nothing new: a function that calls itself without end. */
const MAX_FRAMES = 50;

/** Innermost first. */
export function framesOf(stack: string | undefined): Frame[] {
  const frames: Frame[] = [];
  for (const [, name, program, line] of (stack ?? "").matchAll(FRAME)) {
    if (frames.length === MAX_FRAMES) break;
    const known = programs.get(program as string)?.deref();
    const at = known?.lines[Number(line) - 1];
    if (known === undefined || at === undefined) continue;
    const readable = frameName(name ?? "");
    if (readable !== null) frames.push({ name: readable, ...known.sources.place(at) });
  }
  return frames;
}

/** "u0f$name" is name, "u1m$Class$method" is Class->method; "start" and constructors' shells are ours. */
function frameName(js: string): string | null {
  if (js === "start" || /^u\d+n\$/.test(js)) return null;
  if (js === "closure") return "function";
  if (/^u\d+main$/.test(js)) return "main";
  const parts = js
    .replace(/\$body$/, "")
    .split("$")
    .slice(1);
  return parts.join(/^u\d+s/.test(js) ? "::" : "->") || "function";
}
