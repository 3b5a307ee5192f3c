/** Identities of a MailCluster: addresses that mail leaves from, of which each belongs to one pod at a time. */
import { isIP } from "node:net";

import { z } from "zod";

import { withRules } from "./rules.ts";
import { namedList } from "./values.ts";

const Identity = withRules(
  z.object({
    address: z
      .string()
      .min(2)
      .max(45)
      .regex(/^[0-9a-f.:]+$/, "must be an IPv4 or IPv6 address, in lower case")
      .describe("Address that connections leave from. What a pod holds is told apart by it."),
    hostname: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$/, "must be a host name")
      .describe("Name in EHLO from this address; the address should resolve to it and back."),
    proxy: z
      .object({
        protocol: z
          .enum(["socks5", "proxy"])
          .describe("SOCKS5, or a proxy that reads a PROXY header and connects from the address in it."),
        server: z
          .string()
          .max(262)
          .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):[0-9]{1,5}$/, "must be host:port or [address]:port")
          .describe("host:port of it."),
      })
      .optional()
      .describe("The proxy that has the address; absent: the pods have it."),
  }),
  [
    {
      cel: "isIP(self.address)",
      message: "spec.identities[].address must be an IPv4 or IPv6 address, such as 203.0.113.5",
      holds: ({ address }) => isIP(address) !== 0,
    },
  ],
);

export const IdentityList = namedList(Identity, { key: "address", max: 500 });
export type Identity = z.output<typeof Identity>;
