/**
 * The list of another engine over HTTPS: its admin API, shown our certificate of the cluster's authority and the token, as when
 * mail is handed over. Answers are bounded in time and size and checked before anybody sees them; whatever else comes
 * rejects with a Failure. Keys are read again after each failure, since they are renewed while the engine runs.
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";

import { Failure } from "#base/error.ts";
import { parseJson } from "#base/json.ts";
import { Changes, type ChangesQuery } from "#contract/suppression-sharing.ts";
import type { Peer } from "#contract/peer.ts";

import { type PeerKeys, readPeerKeys } from "../transfer/peer-keys.ts";

export interface ListSource {
  readonly name: string;
  changes(query: ChangesQuery, signal: AbortSignal): Promise<Changes>;
  close(): void;
}

const DEADLINE_MS = 30_000;
const MOST_BYTES = 8 * 1024 * 1024;

export function listSource(peer: Peer, keys: PeerKeys): ListSource {
  let open: { readonly agent: Agent; readonly token: string } | null = null;
  const close = (): void => {
    open?.agent.destroy();
    open = null;
  };
  const connect = async (): Promise<NonNullable<typeof open>> => {
    const { token, ...secrets } = await readPeerKeys(keys);
    const agent = new Agent({ ...secrets, servername: peer.servername, keepAlive: true, maxSockets: 1 });
    return { agent, token };
  };
  return {
    name: peer.name,
    changes: async (query, signal) => {
      const url = new URL(`/v1/suppressions/changes?list=${query.list}&after=${query.after}`, peer.url);
      try {
        open ??= await connect();
        const answer = Changes.safeParse(await get({ url, ...open, signal }));
        if (answer.success) return answer.data;
        throw new Failure("peer-broken", "the peer's answer is no part of a suppression list");
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

function get(asked: {
  readonly url: URL;
  readonly agent: Agent;
  readonly token: string;
  readonly signal: AbortSignal;
}): Promise<unknown> {
  const { url, agent, token } = asked;
  const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(DEADLINE_MS)]);
  return new Promise((resolve, reject) => {
    request(url, { agent, headers: { authorization: `Bearer ${token}` }, signal })
      .once("error", reject)
      .once("response", (response) => resolve(readJson(response)))
      .end();
  });
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Failure("peer-broken", `the peer sent more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Failure("peer-refused", `status ${response.statusCode}`);
  return parseJson(Buffer.concat(chunks).toString("utf8"));
}
