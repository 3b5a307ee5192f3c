/**
 * The commands of mtactl about the live stage: words to a call of the admin API, its answer to lines. Pure but for the file with the second
 * configuration, which is read when the command names it; one that cannot be read throws a Failure.
 */
import { readFileSync } from "node:fs";

import { Failure, describe } from "#base/error.ts";
import { Changed } from "#contract/rules-api.ts";
import type { StageState } from "#contract/stage-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const stageUsage = `  mtactl stage list                                a second configuration that some connections get
  mtactl stage set ID FILE [remoteips=NET,NET] [serverids=ID,ID] [probability=P] [seconds=S] [count=N]
  mtactl stage clear
`;

const lists = new Set(["remoteips", "serverids"]);
const numbers = new Set(["probability", "seconds", "count"]);

/** Null for what is no such command. */
export function stageCall([first, order, id, file, ...words]: readonly string[]): Call | null {
  if (first !== "stage") return null;
  if (order === "list") return { method: "GET", path: "/v1/stage", show: showStage };
  if (order === "clear") return { method: "DELETE", path: "/v1/stage", show: showChanged };
  if (order !== "set" || id === undefined || file === undefined) return null;
  const conditions = conditionsOf(words);
  if (conditions === null) return null;
  return { method: "PUT", path: "/v1/stage", body: { id, app: textOf(file), conditions }, show: showStage };
}

/** Null when a word is not understood; the engine checks the values. */
function conditionsOf(words: readonly string[]): Record<string, unknown> | null {
  const conditions: Record<string, unknown> = {};
  for (const word of words) {
    const [, key = "", value = ""] = /^([a-z]+)=(.+)$/s.exec(word) ?? [];
    if (lists.has(key)) conditions[key] = value.split(",");
    else if (numbers.has(key)) conditions[key] = Number(value);
    else return null;
  }
  return conditions;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure("usage", `the file of the stage: ${describe(error)}`, { transient: false });
  }
}

function showStage(answer: unknown): string {
  const { stage } = answer as { stage: StageState | null };
  return stage === null
    ? "no stage\n"
    : `${stage.id}  ${stage.connections} connections  until ${stage.endsAt}\n`;
}

function showChanged(answer: unknown): string {
  return Changed.parse(answer).changed === 0 ? "there was no stage\n" : "the stage has ended\n";
}
