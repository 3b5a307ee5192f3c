/**
 * The stage: a second configuration that some connections get while all others keep the one in force. It is tried on
 * real clients, ends by itself, and is never kept on disk.
 */
import { z } from "zod";

import { identifier, network } from "./config-values.ts";

export const StageRequest = z.strictObject({
  id: identifier.describe("Its name, for people."),
  /** smtpd-app.yaml, whole. */
  app: z.string().max(1_048_576),
  conditions: z
    .strictObject({
      remoteips: z.array(network).min(1).max(1000).optional(),
      serverids: z.array(identifier).min(1).max(16).optional(),
      probability: z.number().min(0).max(1).default(1),
      seconds: z.int().min(1).max(86_400).default(3600),
      count: z.int().min(1).max(1_000_000_000).optional(),
    })
    .prefault({}),
});
export type StageRequest = z.infer<typeof StageRequest>;

export interface StageState {
  readonly id: string;
  /** That have got it so far. */
  readonly connections: number;
  readonly endsAt: string;
}
