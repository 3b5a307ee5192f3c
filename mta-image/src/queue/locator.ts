/**
 * The seam between the queue, which decides by mail exchangers when rules speak of them, and delivery, which knows
 * how to find them. The queue owns it; `delivery/dns-locator.ts` implements it. Asked only when a rule needs it.
 */
import type { Remote } from "./grouping.ts";

export interface Locator {
  /** Never rejects; empty when DNS gave nothing: the attempt itself will tell why. */
  locate(line: { readonly transportId: string; readonly domain: string }): Promise<Remote>;
}
