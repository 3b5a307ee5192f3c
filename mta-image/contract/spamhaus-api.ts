/**
 * What engine and operator tell each other about Spamhaus: how lookups do, and what a key and its lists answer when
 * they are tried out before they are used. The key itself is in neither: only the file that it stands in.
 */
import { z } from "zod";

import { SpamhausConfig, spamhausLists } from "./spamhaus-config.ts";

export const SpamhausState = z.object({
  /** Name of the file that the key in use came from; null: none has ever been read. */
  key: z.string().max(255).nullable(),
  /** Why lookups tell nothing (an error reason of docs/spamhaus.md), or null. Stays until they do again. */
  trouble: z.string().max(32).nullable(),
  /** Lists whose test point is not listed: the key does not include them. */
  missing: z.array(z.enum(spamhausLists)),
});
export type SpamhausState = z.infer<typeof SpamhausState>;

/** The part `spamhaus` as it would stand in smtpd-app.yaml. */
export const ProbeRequest = z.strictObject({ spamhaus: SpamhausConfig });
export type ProbeRequest = z.infer<typeof ProbeRequest>;
export type ProbeOrder = z.input<typeof ProbeRequest>;

export const ProbeResult = z.object({
  results: z.array(
    z.object({
      list: z.enum(spamhausLists),
      /** "listed" is well, "clear" says that the key does not include the list, all else is an error reason. */
      outcome: z.string().max(32),
    }),
  ),
});
export type ProbeResult = z.infer<typeof ProbeResult>;
