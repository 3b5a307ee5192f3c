/**
 * All that belongs to one client of a connection: who it is, its scripts, its greeting and its commands. A session opens
 * one at its start, and another when XCLIENT names a client in its place; bytes, TLS and replies stay the session's.
 * Never fails.
 */
import { ConnectionHooks } from "../hooks/connection-hooks.ts";
import { scriptedIntake } from "../intake/scripted-intake.ts";
import type { Secured } from "../smtp/secured.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import type { Traced } from "../trace/traced.ts";
import { descriptorOf } from "../net/adopt.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { normalizeIp } from "../net/networks.ts";
import { mayRelayFrom } from "./access.ts";
import { Commands } from "./commands.ts";
import type { Floor } from "./floor.ts";
import type { Flow } from "./flow.ts";
import { Greeting } from "./greeting.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import type { Peer } from "./peer.ts";
import { Screening } from "./screening.ts";
import { mayLogIn } from "./transaction.ts";

export interface Conversation {
  readonly peer: Peer;
  /** Null where the server has no scripts. */
  readonly hooks: ConnectionHooks | null;
  readonly commands: Commands;
  readonly greeting: Greeting;
}

export interface ConversationOptions {
  readonly sessionId: string;
  readonly socket: ByteSocket;
  readonly settings: SessionSettings;
  readonly near: SessionNeighbours;
  readonly flow: Flow;
  readonly traced: Traced;
  readonly floor: Floor;
  /** Says the greeting, or what a script has put in its place. */
  readonly greet: () => void;
  readonly peer: Peer;
  /** By XCLIENT. */
  readonly maySpeakForOthers: boolean;
  /** TLS that was on before this client was named. */
  readonly secured: Secured | null;
  /** What whoever named the client knew of it; empty for one that came by itself. */
  readonly named: NamedClient;
}

export function openConversation(options: ConversationOptions): Conversation {
  const { peer, settings, floor, greet, secured } = options;
  const mayRelay = peer.isLocal || (peer.isUnknown !== true && mayRelayFrom(settings.access, peer.ip));
  const hooks = openHooks(options);
  if (secured !== null) hooks?.secured(secured);
  const commands = openCommands(options, hooks, mayRelay);
  const greeting = new Greeting({
    ask: () => commands.introduction.welcome(),
    delayMs: mayRelay ? 0 : settings.greetDelayMs,
    greet,
    refuse: (reply) => floor.say(reply),
  });
  return { peer, hooks, commands, greeting };
}

function openHooks({ sessionId, socket, settings, near, peer }: ConversationOptions): ConnectionHooks | null {
  const { hooks, serverId } = settings;
  if (hooks === null) return null;
  const { hookRunner } = near;
  const hasUid = hooks.wantsRemoteUid && peer.isLocal;
  return new ConnectionHooks(hooks, hookRunner, {
    id: sessionId,
    serverId,
    remoteIp: peer.ip,
    remotePort: peer.port,
    remoteUid: hasUid ? hookRunner.remoteUid(descriptorOf(socket)) : null,
    localIp: normalizeIp(socket.localAddress ?? ""),
    localPort: socket.localPort ?? 0,
    proxyIp: peer.proxyIp,
    proxyTlv: peer.proxyTlv,
  });
}

function openCommands(
  options: ConversationOptions,
  hooks: ConnectionHooks | null,
  mayRelay: boolean,
): Commands {
  const { sessionId, settings, near, flow, traced, floor, peer, maySpeakForOthers, secured, named } = options;
  const tls = secured?.description ?? null;
  const door = near.doorOf(settings.maxHops, mayRelay);
  const intake = hooks === null ? door.intake : scriptedIntake(door.scripted, hooks);
  const facts = {
    ip: peer.ip,
    isTrusted: mayRelay,
    mayLogIn: mayLogIn(settings),
    isLoggedIn: named.login !== undefined,
  };
  return new Commands({
    settings,
    near,
    client: { serverId: settings.serverId, sessionId, remoteIp: peer.ip, remotePort: peer.port, tls },
    mayRelay,
    maySpeakForOthers,
    named,
    screening: new Screening({ ...near, intake }, facts),
    hooks,
    flow,
    traced,
    floor,
  });
}
