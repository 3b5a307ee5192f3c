/** Reports of TLS by day as routes (RFC 8460): the days there are, and the reports of one, a list with one a domain. */
import type { FastifyInstance } from "fastify";

import type { TlsReport } from "../delivery/tls-reports.ts";

export interface TlsReportDoor {
  days(): readonly string[];
  reports(day: string): readonly TlsReport[];
}

export function addTlsReportRoutes(server: FastifyInstance, door: TlsReportDoor): void {
  server.get("/v1/tls-reports", async () => ({ days: door.days() }));
  server.get<{ Params: { day: string } }>("/v1/tls-reports/:day", async ({ params }, reply) => {
    if (/^\d{4}-\d{2}-\d{2}$/.test(params.day)) return { reports: door.reports(params.day) };
    return reply.code(400).send({ code: "bad-request", message: "day: must be such as 2026-11-25" });
  });
}
