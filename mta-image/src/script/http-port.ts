/** What http() asks of the outside: a request, made now or in the background, and how a server has to show who it is. */
import type { Pieces } from "./mail/pieces.ts";

export interface HttpWish {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Pieces | null;
  /** From when the connection is there, for all of the answer; 0 for none beyond that of the script. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxBytes: number;
  readonly redirects: number;
  readonly tls: TlsWish;
  /** Null: that of the process's environment; "": none. */
  readonly proxy: string | null;
  readonly unixPath: string | null;
  readonly sourceIp: string | null;
  /** The name of a source address of the configuration. */
  readonly sourceIpId: string | null;
}

/** How a request is made that nobody waits for. */
export interface BackgroundWish {
  /** Requests of one queue are made one after the other; of any number, of which the port takes the remainder. */
  readonly queue: number;
  /** After the first attempt. */
  readonly retries: number;
  readonly delayMs: number;
}

/** How a server has to show who it is. */
export interface TlsWish {
  readonly verifyPeer: boolean;
  readonly verifyHost: boolean;
  /** PEM of authorities beside, or without `defaultCa` instead of, the usual ones. */
  readonly ca: readonly string[];
  readonly defaultCa: boolean;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of its status line; "" for none. */
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Why a script that asked got nothing of it. */
export interface NoResult {
  /** Null: what it named is no URL of http or https. */
  readonly url: URL | null;
  readonly why: { readonly error: string } | { readonly status: number };
}

export interface HttpPort {
  /** What came back, whatever its status, or why nothing did. */
  request(wish: HttpWish, signal: AbortSignal): Promise<HttpAnswer | { readonly error: string }>;
  /** For people: the script hears none, and cannot tell them why. */
  note(nothing: NoResult): void;
  /** Whether it was queued; the body has been read by then. */
  background(wish: HttpWish, how: BackgroundWish): Promise<boolean>;
}
