/**
 * A peer over HTTPS: its admin API, shown our certificate of the cluster's authority and the token. The name in
 * the peer's certificate is given, not its address, so that only an engine of the same cluster gets our mail. Each
 * call is bounded in time; what is no sound answer rejects with a Failure, and the giver then asks again.
 */
import type { Agent } from "undici";

import { Failure } from "#base/error.ts";
import type { Peer as PeerAddress } from "#contract/peer.ts";
import { TransferAnswer } from "#contract/transfer-api.ts";

import { type PeerKeys, readPeerKeys } from "./peer-keys.ts";
import type { Peer } from "./ports.ts";

const DEADLINE_MS = 30_000;
const BAD_BATCH: ReadonlySet<number> = new Set([400, 413]);

/** Throws a Failure `peer-keys-unusable` that names the file. */
export async function connectPeer(address: PeerAddress, keys: PeerKeys): Promise<Peer & { close(): void }> {
  const { ca, cert, key, token } = await readPeerKeys(keys);
  // Loaded here: an engine that never hands over does without its 11 MB.
  const { Agent } = await import("undici");
  const agent = new Agent({
    connections: 2,
    allowH2: false,
    connect: {
      ca,
      cert,
      key,
      servername: address.servername,
      timeout: DEADLINE_MS,
    } as NonNullable<Agent.Options["connect"]>,
  });
  const call = (path: string, body: string | Buffer): Promise<readonly string[]> =>
    post({ agent, url: `${address.url}${path}`, body, token });
  return {
    name: address.name,
    send: (batch, frames) => call(`/v1/transfer/messages?batch=${batch}`, Buffer.concat(frames)),
    taken: (batch, ids) => call("/v1/transfer/taken", JSON.stringify({ batch, ids })),
    forgotten: async (batch, ids) =>
      void (await call("/v1/transfer/forgotten", JSON.stringify({ batch, ids }))),
    close: () => void agent.destroy(),
  };
}

async function post(request: {
  readonly agent: Agent;
  readonly url: string;
  readonly body: string | Buffer;
  readonly token: string;
}): Promise<readonly string[]> {
  const { agent, url, body, token } = request;
  const { origin, pathname, search } = new URL(url);
  const type = typeof body === "string" ? "application/json" : "application/octet-stream";
  const response = await agent.request({
    origin,
    path: `${pathname}${search}`,
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const answer: unknown = await response.body.json();
  const parsed = TransferAnswer.safeParse(answer);
  if (response.statusCode === 200 && parsed.success) return parsed.data.ids;
  const said = (answer as { message?: unknown } | null)?.message;
  const words = typeof said === "string" ? said : `status ${response.statusCode}`;
  // What is wrong with the batch stays wrong, whenever it comes.
  throw new Failure("peer-refused", words, { transient: !BAD_BATCH.has(response.statusCode) });
}
