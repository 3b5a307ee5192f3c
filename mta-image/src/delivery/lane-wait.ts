/** What mail waits for in its lane while no connection has it, in words for whoever asks why it does not move (pure). */
import type { AttemptWait } from "../queue/courier.ts";

/** How far a connection that is being opened has come. */
export type OpenStage =
  | { readonly kind: "begun" }
  | { readonly kind: "dns"; readonly question: string }
  | { readonly kind: "connect"; readonly host: string; readonly ip: string; readonly port: number };

export interface LaneSituation {
  /** The fixed servers, or the domain whose mail exchangers they are. */
  readonly server: string | null;
  readonly domain: string;
  readonly transportId: string;
  /** Connections that are open, and the most that there may be. */
  readonly open: number;
  readonly most: number;
  /** Of those that are being opened. */
  readonly stages: readonly OpenStage[];
  /** Of the whole engine, where it waits for a place for another connection. */
  readonly places: { readonly used: number; readonly most: number } | null;
  /** Rules keep new connections apart. */
  readonly isSpaced: boolean;
  /** Mail that is before it. */
  readonly before: number;
}

export function waitIn(situation: LaneSituation): AttemptWait {
  const { server, domain, transportId, open, most, places, isSpaced, before } = situation;
  const whither = `to ${server ?? domain} by transport ${transportId}`;
  const [stage] = situation.stages;
  if (stage?.kind === "dns") return { kind: "locating", detail: `DNS is asked for ${stage.question}` };
  if (stage?.kind === "connect") {
    const { host, ip, port } = stage;
    const place = host === ip || ip === "" ? `${host}:${port}` : `${host} (${ip}:${port})`;
    return connection(`${place} is being connected to`);
  }
  if (stage !== undefined) return connection(`a connection ${whither} is being opened`);
  if (places !== null) {
    const used = `${places.used} of ${places.most} connections of the engine are in use`;
    return connection(`it waits for a place for a connection ${whither}: ${used}`);
  }
  if (isSpaced) return connection(`new connections ${whither} are kept apart by a rule`);
  return connection(`${open} of ${most} connections ${whither} are open, ${before} messages are before it`);
}

function connection(detail: string): AttemptWait {
  return { kind: "connection", detail };
}
