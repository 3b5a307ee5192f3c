/**
 * Puts together the one door into the spool and what stands in front of it: mail is verified, changed by scripts, signed,
 * stored, in this order. All that is held on the way counts as bytes of one figure.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import { Authentication } from "../authentication/authentication.ts";
import type { Settings } from "../config/settings.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { Feedback } from "../feedback/feedback.ts";
import { type IntakeOptions, makeIntake } from "../intake/accept.ts";
import type { IntakeFigures } from "../intake/held-pieces.ts";
import type { Intake } from "../intake/intake.ts";
import type { ScriptedDoor } from "../intake/scripted-intake.ts";
import { scriptedDoor } from "./scripted-door.ts";
import { mayRelayFrom } from "../session/access.ts";

export interface FrontDoor {
  readonly authentication: Authentication;
  /** For mail that no script sees. */
  readonly intake: Intake;
  readonly scripted: ScriptedDoor;
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
  const door = options.feedback.before(intakeByHops(options, figures));
  const authentication = new Authentication({
    clock,
    log,
    resolver,
    figures,
    authority: () => settings().hostname,
    mayRelay: (server, ip) => {
      const session = settings().sessions.get(server);
      return session !== undefined && mayRelayFrom(session.access, ip);
    },
  });
  return {
    authentication,
    intake: authentication.before(door),
    scripted: scriptedDoor({ spool, log, figures }, authentication, door),
  };
}

/** Each server bounds the hops of its mail; mail of none, such as a notice, may have as many as any server's. */
function intakeByHops(
  options: Omit<IntakeOptions, "settings"> & { readonly settings: () => Settings },
  figures: IntakeFigures,
): Intake {
  const intakes = new Map<number, Intake>();
  const intakeOf = (maxHops: number): Intake => {
    const settings = (): ReturnType<IntakeOptions["settings"]> => ({
      hostname: options.settings().hostname,
      maxHops,
    });
    const intake = intakes.get(maxHops) ?? makeIntake({ ...options, figures, settings });
    intakes.set(maxHops, intake);
    return intake;
  };
  return {
    begin(envelope, origin) {
      const { maxHops } = options.settings();
      return intakeOf(maxHops.get(origin.serverId) ?? Math.max(...maxHops.values())).begin(envelope, origin);
    },
  };
}
