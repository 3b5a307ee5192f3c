/** Between an editor's positions (lines and UTF-16 units from 0) and a script's (bytes; lines and characters from 1). Pure. */
import type { Place } from "../script/error.ts";
import { bytes } from "./workspace.ts";

export interface EditorPosition {
  readonly line: number;
  readonly character: number;
}

/** Bytes before the position. */
export function offsetOf(text: string, { line, character }: EditorPosition): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line).reduce((sum, one) => sum + bytes(one).length + 1, 0);
  return before + bytes((lines[line] ?? "").slice(0, character)).length;
}

/** Of a place in a text; columns count characters, which may be two units. */
export function positionOf(text: string, { line, column }: Place): EditorPosition {
  const characters = [...(text.split("\n")[line - 1] ?? "")].slice(0, column - 1);
  return { line: line - 1, character: characters.join("").length };
}
