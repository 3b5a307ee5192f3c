/** The figures of reactions to replies under their Prometheus names; what they are held against is no label. */
import { Counter, Gauge, type Registry } from "prom-client";

import type { Reactions } from "../queue/reactions.ts";

export function addReactionMetrics(
  registry: Registry,
  reactions: Pick<Reactions, "active" | "counters" | "ids">,
): void {
  const common = { labelNames: ["reaction"], registers: [registry] };
  new Gauge({
    ...common,
    name: "mta_queue_reactions_active",
    help: "Suspensions and back-offs in force that were learned from replies.",
    collect() {
      this.reset();
      for (const id of reactions.ids()) this.set({ reaction: id }, 0);
      for (const { reaction } of reactions.active()) this.inc({ reaction: reaction.config.id });
    },
  });
  new Counter({
    ...common,
    name: "mta_queue_reactions_total",
    help: "How often replies brought a suspension or a back-off into force.",
    collect() {
      this.reset();
      for (const [reaction, count] of reactions.counters) this.inc({ reaction }, count);
    },
  });
}
