/** Builders of envelopes, drafts and stored messages with defaults, so that a test names only what matters to it. */
import { makeId } from "#base/ids.ts";
import type { Envelope, Origin } from "#mta/message/envelope.ts";
import { LiveMessage } from "#mta/spool/live-message.ts";
import type { Draft, EntryState } from "#mta/spool/spool.ts";

export const someOrigin: Origin = {
  kind: "smtp",
  serverId: "inbound",
  remoteIp: "192.0.2.1",
  remotePort: 40_000,
  helo: "client.example.org",
  protocol: "ESMTP",
  tls: null,
  sessionId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
};

export function makeEnvelope(change: Partial<Envelope> = {}): Envelope {
  return {
    sender: "news@example.org",
    recipients: ["ann@example.net"],
    smtpUtf8: false,
    eightBit: false,
    transportId: "out",
    ...change,
  };
}

export function makeDraft(
  change: Partial<Omit<Draft, "envelope">> & { envelope?: Partial<Envelope> } = {},
): Draft {
  const receivedAt = change.receivedAt ?? 1_800_000_000_000;
  return {
    id: makeId(receivedAt),
    origin: someOrigin,
    dueAt: receivedAt,
    content: Buffer.from("Subject: hello\r\n\r\nA line.\r\n"),
    ...change,
    receivedAt,
    envelope: makeEnvelope(change.envelope),
  };
}

export function makeState(change: Partial<EntryState> = {}): EntryState {
  return {
    status: "queued",
    attempts: 0,
    dueAt: 1_800_000_000_000,
    lastReply: "",
    delayNotices: 0,
    ...change,
  };
}

export function makeMessage(
  change: {
    id?: string;
    recipients?: readonly string[];
    sender?: string;
    states?: EntryState[];
    receivedAt?: number;
    sizeBytes?: number;
    envelope?: Partial<Envelope>;
  } = {},
): LiveMessage {
  const { receivedAt, id, origin } = makeDraft(
    change.receivedAt === undefined ? {} : { receivedAt: change.receivedAt },
  );
  const { sizeBytes = 100 } = change;
  const envelope = makeEnvelope({
    recipients: change.recipients ?? ["ann@example.net"],
    sender: change.sender ?? "news@example.org",
    ...change.envelope,
  });
  const states = envelope.recipients.map((_, i) => change.states?.[i] ?? makeState({ dueAt: receivedAt }));
  const meta = { id: change.id ?? id, receivedAt, envelope, origin, sizeBytes, states, inFile: false };
  return new LiveMessage(meta, { segment: 0, offset: 0, length: 0 });
}
