/** What the program plugin-check of the image says of a file, for the operator. */
import { z } from "zod";

export const PluginCheck = z.object({
  /** Why the engine would not load it; null: it would. */
  refusal: z.string().nullable(),
  /** In hex, "" when it cannot be read. */
  sha256: z.string(),
  roles: z.array(z.enum(["script", "queue", "delivery", "inject"])),
  /** Its Halon_ functions. */
  exported: z.array(z.string()),
  /** Null: it was not opened. */
  abiVersion: z.int().nullable(),
});
export type PluginCheck = z.infer<typeof PluginCheck>;

/** The program, and where a container leaves what its pod's status should show. */
export const pluginCheck = { program: "plugin-check", result: "/dev/termination-log" } as const;
