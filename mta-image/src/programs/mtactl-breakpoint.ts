/** The commands of mtactl about breakpoints of scripts: words to a call of the admin API, its answer to lines (pure). */
import { BreakpointDetail, BreakpointList, BreakpointView, type Snapshot } from "#contract/breakpoint-api.ts";
import { Changed } from "#contract/rules-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const breakpointUsage = `  mtactl breakpoint list
  mtactl breakpoint set FILE:LINE [hits=N] [seconds=S]     notes variables whenever a script comes by
  mtactl breakpoint show|delete ID
`;

/** Null for what is no such command. */
export function breakpointCall([first, order, what, ...words]: readonly string[]): Call | null {
  if (first !== "breakpoint") return null;
  if (order === "list" && what === undefined)
    return { method: "GET", path: "/v1/breakpoints", show: showList };
  if (order === "set" && what !== undefined) return setCall(what, words);
  if (what === undefined || !/^\d{1,15}$/.test(what) || words.length > 0) return null;
  const path = `/v1/breakpoints/${what}`;
  if (order === "show") return { method: "GET", path, show: showDetail };
  return order === "delete" ? { method: "DELETE", path, show: showChanged } : null;
}

function setCall(place: string, words: readonly string[]): Call | null {
  const [, file, line] = /^(.+):(\d+)$/s.exec(place) ?? [];
  const options = words.map((word) => /^(hits|seconds)=(\d+)$/.exec(word));
  if (file === undefined || options.includes(null)) return null;
  const numbers = Object.fromEntries(options.map((found) => [found?.[1], Number(found?.[2])]));
  return {
    method: "POST",
    path: "/v1/breakpoints",
    body: { file, line: Number(line), ...numbers },
    show: (answer) => lineOf(BreakpointView.parse(answer)),
  };
}

function lineOf({ id, file, line, hits, most, endsAt, isOver }: BreakpointView): string {
  return `${id}  ${file}:${line}  ${hits} of ${most} hits  ${isOver ? "over" : `until ${endsAt}`}\n`;
}

function showList(answer: unknown): string {
  const { breakpoints } = BreakpointList.parse(answer);
  return breakpoints.map(lineOf).join("") || "no breakpoints\n";
}

function showDetail(answer: unknown): string {
  const { breakpoint, snapshots } = BreakpointDetail.parse(answer);
  return lineOf(breakpoint) + snapshots.map(showSnapshot).join("");
}

function showSnapshot({ at, hook, file, line, column, stack, variables }: Snapshot): string {
  const frames = stack.map((frame) => `    at ${frame.name} ${frame.file}:${frame.line}:${frame.column}\n`);
  const values = variables.map(({ name, value }) => `    $${name} = ${value}\n`);
  return `${at}  ${hook}  ${file}:${line}:${column}\n${frames.join("")}${values.join("")}`;
}

function showChanged(answer: unknown): string {
  return Changed.parse(answer).changed === 0 ? "there is no such breakpoint\n" : "the breakpoint is gone\n";
}
