/**
 * The part of the admin API about recipients that get no mail any more, by tenant; "" is every tenant. What is added or
 * deleted here is on disk when the answer comes. 409 `suppression-off`: the configuration has no `suppression`;
 * 409 `suppression-full`.
 *
 *   GET  /v1/suppressions          SuppressionQuery -> SuppressionPage (in order of tenant and address)
 *   POST /v1/suppressions          SuppressionAdd -> Changed
 *   POST /v1/suppressions/delete   SuppressionDelete -> Changed
 */
import { z } from "zod";

const address = z
  .string()
  .max(320)
  .regex(/^[^\s@]+(?:@[^\s@]+)*@[^\s@]+$/, "must be an address");
const tenant = z.string().max(255).default("");

export const SuppressionQuery = z.strictObject({
  tenant: z.string().max(255).optional(),
  address: z.string().max(320).optional().describe("This one alone."),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(640).optional().describe("`next` of the page before."),
});
export type SuppressionQuery = z.infer<typeof SuppressionQuery>;

export const SuppressionEntry = z.object({
  tenant: z.string(),
  address: z.string(),
  /** A class of replies, "complaint", or what an administrator said. */
  reason: z.string(),
  source: z.enum(["bounce", "complaint", "api"]),
  since: z.iso.datetime(),
  until: z.iso.datetime().nullable(),
});
export type SuppressionEntry = z.infer<typeof SuppressionEntry>;

export const SuppressionPage = z.object({ entries: z.array(SuppressionEntry), next: z.string().nullable() });
export type SuppressionPage = z.infer<typeof SuppressionPage>;

export const SuppressionAdd = z.strictObject({
  tenant,
  addresses: z.array(address).min(1).max(10_000),
  reason: z.string().min(1).max(128).default("ordered"),
  ttl: z.number().min(0).max(315_360_000).default(0).describe("Seconds; 0: no end."),
});
export type SuppressionAdd = z.infer<typeof SuppressionAdd>;

export const SuppressionDelete = z.strictObject({ tenant, addresses: z.array(address).min(1).max(10_000) });
export type SuppressionDelete = z.infer<typeof SuppressionDelete>;
