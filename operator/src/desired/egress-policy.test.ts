import assert from "node:assert/strict";
import { it } from "node:test";

import { aContext } from "../../testing/builders.ts";
import { egressPolicy } from "./egress-policy.ts";

it("questions are let out over UDP and TCP, to the ports of the name servers that are named", () => {
  const spamhaus = {
    keySecretRef: { name: "dqs" },
    resolvers: ["192.0.2.1", "192.0.2.2:5353", "[2001:db8::1]:53"],
  };
  const policy = egressPolicy(aContext({ spec: { spamhaus, networkPolicy: { egress: "Dns" } } }));
  assert.deepEqual(policy?.spec.policyTypes, ["Egress"]);
  assert.deepEqual(policy?.spec.egress, [
    {
      ports: [
        { protocol: "UDP", port: 53 },
        { protocol: "TCP", port: 53 },
        { protocol: "UDP", port: 5353 },
        { protocol: "TCP", port: 5353 },
      ],
    },
  ]);
});

it("nobody who may send to the whole world is confined to name servers unasked", () => {
  const spamhaus = { keySecretRef: { name: "dqs" } };
  assert.equal(egressPolicy(aContext({ spec: { spamhaus } })), null);
  assert.equal(egressPolicy(aContext({ spec: { networkPolicy: { mode: "None" } } })), null);
});
