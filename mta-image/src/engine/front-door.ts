/**
 * Puts together the one door into the spool and what stands in front of it: mail is verified, changed by scripts, signed,
 * stored, in this order. All that is held on the way counts as bytes of one figure.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import { Authentication, type MayRelay } from "../authentication/authentication.ts";
import type { Settings } from "../config/settings.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { Feedback } from "../feedback/feedback.ts";
import { type IntakeOptions, makeIntake } from "../intake/accept.ts";
import type { IntakeFigures } from "../intake/held-pieces.ts";
import type { Intake } from "../intake/intake.ts";
import { scriptedDoor } from "./scripted-door.ts";
import { mayRelayFrom } from "../session/access.ts";
import type { SessionDoor } from "../session/options.ts";

export interface FrontDoor extends SessionDoor {
  readonly authentication: Authentication;
  /**
   * For mail of a session, whose settings say how many hops it may have and whether its client may relay: those in force
   * when it began, or a stage's.
   */
  forSession(maxHops: number, mayRelay: boolean): SessionDoor;
}

export function makeFrontDoor(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: IntakeOptions["spool"];
  readonly resolver: RecordResolver;
  readonly feedback: Pick<Feedback, "before">;
  readonly settings: () => Settings;
  readonly enqueue: IntakeOptions["enqueue"];
  readonly reserve: NonNullable<IntakeOptions["reserve"]>;
}): FrontDoor {
  const { clock, log, spool, resolver, settings } = options;
  const figures: IntakeFigures = { bytesInFlight: 0 };
  const intakes = new Map<number, Intake>();
  const boundedIntake = (maxHops: number): Intake =>
    madeOnce(intakes, maxHops, () => {
      const hops = (): ReturnType<IntakeOptions["settings"]> => ({ hostname: settings().hostname, maxHops });
      return makeIntake({ ...options, figures, settings: hops });
    });
  const authentication = new Authentication({
    clock,
    log,
    resolver,
    figures,
    authority: () => settings().hostname,
  });
  const behind = (inner: Intake, mayRelay: MayRelay): SessionDoor => {
    const door = options.feedback.before(inner);
    return {
      intake: authentication.before(door, mayRelay),
      scripted: scriptedDoor({ spool, log, figures }, authentication, { door, mayRelay }),
    };
  };
  const doorsWhere = (mayRelay: boolean): ((maxHops: number) => SessionDoor) => {
    const doors = new Map<number, SessionDoor>();
    return (maxHops) => madeOnce(doors, maxHops, () => behind(boundedIntake(maxHops), () => mayRelay));
  };
  const [ofRelayClients, ofOthers] = [doorsWhere(true), doorsWhere(false)];
  return {
    authentication,
    ...behind(boundedByServer(settings, boundedIntake), mayRelayByServer(settings)),
    forSession: (maxHops, mayRelay) => (mayRelay ? ofRelayClients : ofOthers)(maxHops),
  };
}

/** Mail of no session, such as over HTTP, may go where the server that it is for lets its client send. */
function mayRelayByServer(settings: () => Settings): MayRelay {
  return ({ serverId, remoteIp }) => {
    const session = settings().sessions.get(serverId);
    return session !== undefined && mayRelayFrom(session.access, remoteIp);
  };
}

/** Mail of no session has the bound of the server that it is for; of none, such as a notice, as many as any server's. */
function boundedByServer(settings: () => Settings, boundedIntake: (maxHops: number) => Intake): Intake {
  return {
    begin(envelope, origin) {
      const { maxHops } = settings();
      const most = maxHops.get(origin.serverId) ?? Math.max(...maxHops.values());
      return boundedIntake(most).begin(envelope, origin);
    },
  };
}

/** For each number of hops that a configuration has said; these are few. */
function madeOnce<T>(known: Map<number, T>, maxHops: number, make: () => T): T {
  const value = known.get(maxHops) ?? make();
  known.set(maxHops, value);
  return value;
}
