/** Attempts as the script before them wants them (pure): which recipients go together, in which envelope and on which way. */
import type { BeforeAnswer } from "../hooks/queue-hooks.ts";
import { type EnvelopeWish, type TryWish, wayKey, wishKey } from "../hooks/try-wish.ts";
import { domainOf } from "../message/envelope.ts";
import type { Attempt, AttemptWish } from "../queue/courier.ts";
import type { BindNonlocal } from "./connect-to.ts";

/** A recipient that the script was asked about. */
interface Asked {
  readonly position: number;
  readonly before: BeforeAnswer;
}

export interface WayOptions {
  /** A source address by its name in the configuration, or as it is; null for what is neither. */
  readonly sourceAddress: (name: string) => string | null;
  /** Who binds a source address that this system need not have. */
  readonly bind: BindNonlocal;
}

/**
 * Those that are treated alike; a plugin's arguments are a script's own values and never the same, and recipients that
 * get the same address stay mails of their own.
 */
export function groupsOf<T extends Asked>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const { before } = item;
    const wish = before.kind === "try" ? before.wish : null;
    const isOwn = wish !== null && (wish.plugin !== null || wish.envelope.recipient !== null);
    const isAlone = before.kind !== "try" || isOwn;
    const key = isAlone ? `alone ${item.position}` : wish === null ? "" : wishKey(wish);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

/** The message as it is sent in this attempt. */
export function withEnvelope(attempt: Attempt, { sender, recipient, jobId }: EnvelopeWish): Attempt {
  const { message, destination, recipients: tried } = attempt;
  const { id, receivedAt, envelope, origin, sizeBytes } = message;
  const changed = {
    ...envelope,
    ...(sender === null ? {} : { sender }),
    ...(recipient === null
      ? {}
      : { recipients: envelope.recipients.map((one, index) => (tried.includes(index) ? recipient : one)) }),
  };
  const { recipients } = message;
  return {
    ...attempt,
    message: { id, receivedAt, envelope: changed, origin, sizeBytes, recipients },
    destination: jobId === null ? destination : { ...destination, jobId },
  };
}

/** How the attempt is made, with addresses in the place of their names; or the name of an address that is not there. */
export function attemptWish(wish: TryWish, { sourceAddress, bind }: WayOptions): AttemptWish | string {
  const sources: { ip: string; helo: string | null }[] = [];
  for (const { source, helo } of wish.sources) {
    const ip = sourceAddress(source);
    if (ip === null) return source;
    sources.push({ ip, helo });
  }
  const { transportId, server, port, tlsMode, exchangers, tls, talk, isSourceOrdered } = wish;
  const { recipient, senderParameters, recipientParameters } = wish.envelope;
  const isSaid = senderParameters !== null || recipientParameters !== null;
  const domain = wish.domain ?? (recipient === null ? null : domainOf(recipient));
  const place = { key: wayKey(wish), transportId, server, port };
  return {
    ...place,
    tlsMode,
    sources,
    isSourceOrdered,
    ...(wish.isNonlocal ? { bind } : {}),
    ...(exchangers === null ? {} : { exchangers }),
    ...(domain === null ? {} : { domain }),
    ...(tls === null ? {} : { tls }),
    ...(talk === null ? {} : { talk }),
    ...(isSaid ? { said: { sender: senderParameters, recipient: recipientParameters } } : {}),
  };
}
