/** Figures that people are woken for: what closes the spool, and certificates that end. */
import { Gauge, type Registry } from "prom-client";

import type { SpoolFailureCode, SpoolFigures } from "../spool/spool.ts";

const reasons: readonly SpoolFailureCode[] = ["spool-full", "spool-broken", "spool-closed"];

export function addHealthMetrics(
  registry: Registry,
  sources: {
    readonly spool: () => SpoolFigures;
    readonly spoolFloorBytes: number;
    readonly certificates: () => readonly (readonly [server: string, end: number])[];
  },
): void {
  new Gauge({
    name: "mta_spool_trouble",
    help: "1 for the reason that the spool takes no mail, if there is one; spool-broken is a write or sync that failed.",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      const { closedBecause } = sources.spool();
      for (const reason of reasons) this.set({ reason }, reason === closedBecause ? 1 : 0);
    },
  });
  new Gauge({
    name: "mta_spool_floor_bytes",
    help: "Free bytes below which new mail is refused.",
    registers: [registry],
    collect() {
      this.set(sources.spoolFloorBytes);
    },
  });
  new Gauge({
    name: "mta_certificate_end_timestamp_seconds",
    help: "When the certificate of a server ends.",
    labelNames: ["server"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, end] of sources.certificates()) this.set({ server }, end / 1000);
    },
  });
}
