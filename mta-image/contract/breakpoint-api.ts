/**
 * The part of the admin API about breakpoints of scripts: a line whose variables are written down each time a script comes by,
 * which goes on at once. Scripts are compiled again when one is set or ends, as on a reload: connections that are there
 * keep the scripts they began with. A breakpoint ends after its hits or its time, and is kept with what it saw until it is deleted or
 * another needs its place.
 *
 *   GET    /v1/breakpoints        BreakpointList
 *   POST   /v1/breakpoints        BreakpointRequest -> BreakpointView (422 `no-statement`; 409 `breakpoints-full`, `breakpoint-refused`)
 *   GET    /v1/breakpoints/<id>   BreakpointDetail (404)
 *   DELETE /v1/breakpoints/<id>   -> Changed
 */
import { z } from "zod";

export const BreakpointRequest = z.strictObject({
  /** As errors name it: "mailfrom/strict", or the id of a file. */
  file: z.string().min(1).max(1024),
  line: z.int().min(1).max(10_000_000),
  hits: z.int().min(1).max(100).default(10),
  seconds: z.int().min(1).max(86_400).default(600),
});
export type BreakpointRequest = z.infer<typeof BreakpointRequest>;

export const BreakpointView = z.object({
  id: z.number(),
  file: z.string(),
  line: z.number(),
  hits: z.number(),
  /** Of hits. */
  most: z.number(),
  endsAt: z.iso.datetime(),
  isOver: z.boolean(),
});
export type BreakpointView = z.infer<typeof BreakpointView>;

export const BreakpointList = z.object({ breakpoints: z.array(BreakpointView) });
export type BreakpointList = z.infer<typeof BreakpointList>;

const place = { file: z.string(), line: z.number(), column: z.number() };

export const Snapshot = z.object({
  at: z.iso.datetime(),
  /** "" where the script is no hook's. */
  hook: z.string(),
  ...place,
  /** Innermost first. */
  stack: z.array(z.object({ name: z.string(), ...place })),
  /** Those that the function names; long ones are cut, secrets are "***". */
  variables: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type Snapshot = z.infer<typeof Snapshot>;

export const BreakpointDetail = z.object({ breakpoint: BreakpointView, snapshots: z.array(Snapshot) });
export type BreakpointDetail = z.infer<typeof BreakpointDetail>;
