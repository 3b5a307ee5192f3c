/**
 * The stage (contract/stage-api.ts) in one engine: settings made from a second smtpd-app.yaml, and the rule which connections
 * get them. Its scripts around deliveries and its transports are checked and not used: only conversations are staged. A stage
 * ends after its time or its number of connections; those that began under it keep it. Never rejects for what a
 * configuration says.
 */
import { appFile, type EngineConfig, parseEngineConfig } from "#contract/config.ts";
import type { Problem } from "#contract/admin-api.ts";
import type { StageRequest, StageState } from "#contract/stage-api.ts";
import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import type { Random } from "#base/random.ts";

import type { StageDoor } from "../admin/stage-routes.ts";
import { ConfigFailure } from "../config/config-failure.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { Settings } from "../config/settings.ts";
import { isInNetworks, makeNetworks } from "../net/networks.ts";
import type { SessionSettings } from "../session/options.ts";

export interface LiveStageOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: LiveConfig;
  /** Rejects with a Failure that says what cannot be used. */
  readonly prepare: (config: EngineConfig) => Promise<Settings>;
}

interface Stage {
  readonly id: string;
  readonly settings: Settings;
  /** Monotonic. */
  readonly endsAt: number;
  readonly most: number;
  readonly probability: number;
  readonly fits: (serverId: string, ip: string) => boolean;
  connections: number;
}

export class LiveStage implements StageDoor {
  readonly #options: LiveStageOptions;
  #stage: Stage | null = null;

  constructor(options: LiveStageOptions) {
    this.#options = options;
  }

  state(): StageState | null {
    const stage = this.#current();
    if (stage === null) return null;
    const { id, connections, endsAt } = stage;
    const { clock } = this.#options;
    return { id, connections, endsAt: new Date(clock.now() + endsAt - clock.monotonic()).toISOString() };
  }

  async put(request: StageRequest): Promise<readonly Problem[]> {
    const { config, prepare } = this.#options;
    const { revision: _, ...texts } = config.texts;
    const parsed = parseEngineConfig({ ...texts, app: request.app });
    if (!parsed.ok) return parsed.problems;
    try {
      this.#stage = this.#made(request, await prepare(parsed.value));
      return [];
    } catch (error) {
      if (error instanceof ConfigFailure) return error.problems;
      if (!(error instanceof Failure)) throw error;
      return [{ file: appFile, path: "", reason: error.message }];
    }
  }

  end(): boolean {
    const wasThere = this.#current() !== null;
    this.#stage = null;
    return wasThere;
  }

  /** What a new connection gets; null: what all get. */
  settingsFor(serverId: string, ip: string): SessionSettings | null {
    if (this.#stage === null) return null;
    const stage = this.#current();
    if (stage === null || !stage.fits(serverId, ip) || this.#options.random() >= stage.probability)
      return null;
    stage.connections++;
    return stage.settings.sessions.get(serverId) ?? null;
  }

  #made({ id, conditions }: StageRequest, settings: Settings): Stage {
    const { remoteips, serverids, probability, seconds, count } = conditions;
    const networks = remoteips === undefined ? null : makeNetworks(remoteips);
    return {
      id,
      settings,
      probability,
      endsAt: this.#options.clock.monotonic() + seconds * 1000,
      most: count ?? Number.POSITIVE_INFINITY,
      fits: (serverId, ip) =>
        (serverids?.includes(serverId) ?? true) && (networks === null || isInNetworks(networks, ip)),
      connections: 0,
    };
  }

  #current(): Stage | null {
    const stage = this.#stage;
    if (stage === null) return null;
    const isOver = this.#options.clock.monotonic() >= stage.endsAt || stage.connections >= stage.most;
    if (isOver) this.#stage = null;
    return this.#stage;
  }
}
