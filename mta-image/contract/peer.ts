/** How one engine reaches another of its cluster. The operator tells; certificate and token are those of the cluster. */
import { z } from "zod";

export const Peer = z.object({
  name: z.string().min(1).max(255),
  url: z.url({ protocol: /^https$/ }),
  /** Name in the peer's certificate. */
  servername: z.string().min(1).max(255),
});
export type Peer = z.infer<typeof Peer>;
