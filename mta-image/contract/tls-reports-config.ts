/** `tlsreports` of smtpd-app.yaml: how reports of TLS reach the domains that ask for them (RFC 8460). An extension. */
import { z } from "zod";

import { identifier } from "./config-values.ts";

export const TlsReportsConfig = z.strictObject({
  transport: identifier.describe("Transport that reports by mail take."),
  from: z
    .email()
    .max(254)
    .optional()
    .describe(
      "Sender of the mail and contact in the report; postmaster@<hostname> when absent. Its domain should be signed for.",
    ),
});
export type TlsReportsConfig = z.infer<typeof TlsReportsConfig>;
