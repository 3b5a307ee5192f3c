/** What a session is handed: its settings, looked up once at connect, and the neighbours it talks to. */
import type { BlockList } from "node:net";
import type { SecureContext } from "node:tls";

import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import type { HookRunner } from "../hooks/runner.ts";
import type { ServerScripts } from "../hooks/scripts.ts";
import type { ScriptedDoor } from "../intake/scripted-intake.ts";
import type { Intake } from "../intake/intake.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { AccessRules } from "./access.ts";
import type { Peer } from "./peer.ts";
import type { Credentials } from "./credentials.ts";
import type { LoginGuard } from "./login-guard.ts";
import type { SessionCounters } from "./counters.ts";
import type { RecentClients } from "./recent-clients.ts";
import type { Checks } from "./checks.ts";

/** Settings of one server. Frozen; a reload makes a new value for connections that come later. */
export interface SessionSettings {
  readonly serverId: string;
  /** Our name in the greeting and in EHLO. */
  readonly hostname: string;
  readonly transportId: string;
  readonly maxSizeBytes: number;
  /** Received fields that a message may carry (RFC 5321 6.3). */
  readonly maxHops: number;
  readonly maxRecipients: number;
  /** Refused or unknown commands before the session ends. */
  readonly maxErrors: number;
  /** Commands that bring mail no further (NOOP, RSET, VRFY, …) before the session ends. */
  readonly maxIdleCommands: number;
  /** Silence between commands; also the bound on one command line, counted from its first byte. */
  readonly idleTimeoutMs: number;
  /** How long strangers wait for the greeting; who speaks before it is turned away. */
  readonly greetDelayMs: number;
  /** Set where every connection begins with a PROXY header: who may send one. Others are cut. */
  readonly proxyNetworks: BlockList | null;
  /** Who may speak for other clients by XCLIENT; null for nobody. */
  readonly xclientNetworks: BlockList | null;
  readonly access: AccessRules;
  /** Null when the server has no certificate. */
  readonly tls: SecureContext | null;
  readonly implicitTls: boolean;
  /** Clients may show a certificate within TLS; who has none is served all the same. */
  readonly asksForCertificate: boolean;
  /** Null where AUTH is not offered. */
  readonly credentials: Credentials | null;
  /** Nobody may send without AUTH. */
  readonly mustLogIn: boolean;
  /** Scripts of the phases; null where there are none. */
  readonly hooks: ServerScripts | null;
}

/** Where mail of a session goes. */
export interface SessionDoor {
  /** For mail that no script sees. */
  readonly intake: Intake;
  /** The door of mail that scripts decide about. */
  readonly scripted: ScriptedDoor;
}

export interface SessionNeighbours {
  /** The door behind which no mail has more hops, and mail of a client that may relay counts as our own. */
  doorOf(maxHops: number, mayRelay: boolean): SessionDoor;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: SessionCounters;
  readonly recentClients: Pick<RecentClients, "note">;
  readonly traces: Tracer;
  /** Told when a session is over. */
  readonly sessionEnded?: (session: {
    readonly id: string;
    readonly remoteIp: string;
    readonly serverId: string;
  }) => void;
  /** Counts failed logins by client, over all connections. */
  readonly loginGuard: LoginGuard;
  /** Null when nothing is asked about clients and mail. */
  readonly checks: Checks | null;
  /** Runs the scripts of the settings. */
  readonly hookRunner: HookRunner;
  /** False while cordoned: new connections and new mail get 421. */
  accepting(): boolean;
}

export interface SessionOptions {
  readonly peer: Peer;
  readonly settings: SessionSettings;
  readonly near: SessionNeighbours;
  /** Called once, when nothing of the session is left but its last reply. */
  readonly onClose: () => void;
}
