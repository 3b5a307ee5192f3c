/** What scripts around a delivery are told of a recipient and of an attempt that went well, where a test cares for none of it. */
import type { AttemptFacts } from "#mta/hooks/attempt-tree.ts";
import type { RecipientFacts } from "#mta/hooks/queue-hooks.ts";

export function recipientFacts(content: RecipientFacts["content"], sizeBytes: number): RecipientFacts {
  return {
    transaction: "t1",
    queueId: 1,
    receivedAt: 0,
    serverId: "in",
    sender: "news@example.org",
    recipient: "ann@example.net",
    transportId: "out",
    tenantId: "",
    jobId: "",
    priority: 0,
    sizeBytes,
    envid: null,
    ret: null,
    notify: null,
    orcpt: null,
    content,
    retry: 0,
    metadata: {},
  };
}

export const wentWell: AttemptFacts = {
  outcome: { kind: "delivered", reply: "250 Ok", status: "2.0.0", remoteMta: "mx" },
  isExpired: false,
  durationMs: 1,
  pluginReturn: undefined,
  localIpId: () => null,
  rules: null,
  foretell: () => null,
};
