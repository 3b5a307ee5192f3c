/** Heads of messages as a hand-over brings them: one recipient is left, with a state of its own, the other is settled. */
import { makeId } from "#base/ids.ts";
import type { FrameHead } from "#contract/transfer-api.ts";

export function frameHead(id: string): FrameHead {
  const state = { status: "queued", attempts: 3, dueAt: 1, lastReply: "451 later", delayNotices: 1 } as const;
  return {
    id,
    receivedAt: 5,
    envelope: {
      sender: "a@example.org",
      recipients: ["b@example.net", "c@example.net"],
      smtpUtf8: false,
      eightBit: false,
      transportId: "default",
    },
    origin: {
      kind: "smtp",
      serverId: "smtp",
      remoteIp: "192.0.2.1",
      remotePort: 1,
      helo: "h",
      protocol: "ESMTP",
      tls: null,
      sessionId: id,
    },
    states: [state, null],
  };
}

export const frameHeads = (count: number): FrameHead[] =>
  Array.from({ length: count }, () => frameHead(makeId(7)));
