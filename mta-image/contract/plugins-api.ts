/**
 * The part of the admin API about native plugins; the rest is in admin-api.ts.
 *
 *   GET  /v1/plugins               PluginList
 *   POST /v1/plugins/ID/command    PluginCommand -> PluginAnswer (404: no such plugin, or it takes no commands)
 */
import { z } from "zod";

export const PluginFigures = z.object({
  /** Calls of its functions by scripts. */
  calls: z.int().nonnegative(),
  /** Of these, calls that wait for the plugin now. */
  suspended: z.int().nonnegative(),
  /** What it did against the rules of the interface. */
  misuses: z.int().nonnegative(),
  /** Calls that held the event loop for too long, and how long in all and at most. */
  blockedCalls: z.int().nonnegative(),
  blockedMs: z.number().nonnegative(),
  longestMs: z.number().nonnegative(),
});
export type PluginFigures = z.infer<typeof PluginFigures>;

export const PluginState = z.object({
  id: z.string(),
  path: z.string(),
  /** `missing`: no file at path. */
  state: z.enum(["present", "missing"]),
  /** sha256 of the file in hex, "" when missing. */
  sha256: z.string(),
  /** The following are told by engines that load plugins. */
  roles: z.array(z.enum(["script", "queue", "delivery", "inject"])).optional(),
  /** Its Halon_ functions. */
  exported: z.array(z.string()).optional(),
  /** What it gives to scripts: "name", "Class::name", "module:name". */
  functions: z.array(z.string()).optional(),
  /** The version of the interface that it was built for. */
  abiVersion: z.int().optional(),
  /** How often it has brought this spool's engine down. */
  crashes: z.int().nonnegative().optional(),
  figures: PluginFigures.optional(),
});
export type PluginState = z.infer<typeof PluginState>;

export const PluginList = z.object({ plugins: z.array(PluginState) });
export type PluginList = z.infer<typeof PluginList>;

/** Words of the command line. */
export const PluginCommand = z.object({
  args: z
    .array(
      z
        .string()
        .max(65_536)
        .refine((word) => !word.includes("\0"), "must not hold zero bytes"),
    )
    .max(100)
    .default([]),
});
export type PluginCommand = z.infer<typeof PluginCommand>;

/** `ok` is what the plugin says of it; the text is its own. */
export const PluginAnswer = z.object({ ok: z.boolean(), text: z.string() });
export type PluginAnswer = z.infer<typeof PluginAnswer>;
