/** What is noted of a connection while it is opened, for scripts that hear of the attempts it served. Never fails. */
import type { Reached, ReachedTls, ReachedTlsa } from "../smtp/reached.ts";
import type { TlsDemand } from "./tls-rules.ts";

export class Trail implements Reached {
  readonly id: string;
  readonly host: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly helo: string;
  localIp: string;
  localPort = 0;
  greeting: readonly string[] = [];
  tls: ReachedTls | null = null;
  tlsFailure: string | null = null;
  tlsa: ReachedTlsa | null = null;

  constructor(target: {
    readonly id: string;
    readonly host: string;
    readonly ip: string;
    readonly port: number;
    readonly sourceIp: string | null;
    readonly helo: string;
  }) {
    this.id = target.id;
    this.host = target.host;
    this.remoteIp = target.ip;
    this.remotePort = target.port;
    this.localIp = target.sourceIp ?? "";
    this.helo = target.helo;
  }

  /** What DANE asks for on the way to the host. */
  demands({ tlsa }: TlsDemand): void {
    if (tlsa !== null) this.tlsa = { records: tlsa, refusal: null };
  }

  /** The certificate was held against the records. */
  judged(refusal: string | null): void {
    if (this.tlsa !== null) this.tlsa = { ...this.tlsa, refusal };
  }
}
