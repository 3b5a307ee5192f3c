/** Figures of the event outbox, each with the webhook's id as label. */
import { Counter, Gauge, type Registry } from "prom-client";

import type { EventFigures } from "../events/events.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly read: (figures: EventFigures) => number;
}

const counters: readonly Metric[] = [
  { name: "mta_events_sent_total", help: "Batches that the webhook took.", read: ({ sent }) => sent },
  {
    name: "mta_events_failures_total",
    help: "Posts that failed and are repeated.",
    read: ({ failures }) => failures,
  },
  {
    name: "mta_events_dropped_total",
    help: "Batches and events that were given up.",
    read: ({ dropped }) => dropped,
  },
];

export function addEventMetrics(registry: Registry, webhooks: () => readonly EventFigures[]): void {
  const common = { labelNames: ["webhook"], registers: [registry] };
  for (const { name, help, read } of counters) {
    new Counter({
      name,
      help,
      ...common,
      collect() {
        this.reset();
        for (const figures of webhooks()) this.inc({ webhook: figures.webhook }, read(figures));
      },
    });
  }
  new Gauge({
    name: "mta_events_pending_bytes",
    help: "What waits on disk for the webhook.",
    ...common,
    collect() {
      this.reset();
      for (const { webhook, pendingBytes } of webhooks()) this.set({ webhook }, pendingBytes);
    },
  });
}
