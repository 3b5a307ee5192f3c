/**
 * How a plugin's failure is named: one sentence with plugin, file and reason, and a code from a closed list.
 * Everything that plugins/ throws on the way of starting and stopping comes from here; what a plugin's function
 * throws to a script is a `NativeThrow`, which the script host turns into a value to be caught.
 */
import { Failure, describe } from "#base/error.ts";

import type { Wire } from "./native.ts";

export const pluginCodes = {
  "plugin-file": "The file is not a plugin that this engine can open.",
  "plugin-version": "The plugin was built against another HalonMTA.h.",
  "plugin-start": "The plugin refused to start.",
  "plugin-register": "The plugin's functions could not be registered.",
  "plugin-command": "The plugin takes no commands, or there is no such plugin.",
} as const;
export type PluginCode = keyof typeof pluginCodes;

export interface PluginName {
  readonly id: string;
  readonly path: string;
}

export function pluginFailure(code: PluginCode, plugin: PluginName, reason: unknown): Failure {
  return new Failure(code, `plugin ${plugin.id} (${plugin.path}): ${describe(reason)}`, {
    transient: false,
    ...(reason instanceof Error ? { cause: reason } : {}),
  });
}

/** What a plugin's function threw to the script: any value, by custom an exception with a message. */
export class NativeThrow extends Error {
  override readonly name = "NativeThrow";
  readonly value: Wire;

  constructor(value: Wire) {
    super(messageOf(value));
    this.value = value;
  }
}

function messageOf(value: Wire): string {
  if (value === null || typeof value !== "object") return String(value);
  return "kind" in value && value.kind === "exception" ? value.message : "a plugin threw a value";
}
