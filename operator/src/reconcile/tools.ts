/** What a pass is handed: the doors to the outside and the memory between passes. `manager.ts` makes it once. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Caches } from "#operator/cache/caches.ts";
import type { Expectations } from "#operator/cache/expectations.ts";
import type { OperatorFacts } from "#operator/desired/context.ts";
import type { Engines } from "#operator/engine/engines.ts";
import type { EngineReports } from "#operator/engine/reports.ts";
import type { Kube } from "#operator/kube/kube.ts";
import type { ConfigMap, Secret } from "#operator/kube/objects.ts";
import type { Recorder } from "#operator/kube/recorder.ts";
import type { ScriptCheck } from "#operator/scripts/check-scripts.ts";
import type { NamedWatches } from "#operator/watch/named-watches.ts";

import type { Memory } from "./memory.ts";
import type { Turns } from "./turns.ts";

export interface Tools {
  readonly kube: Kube;
  readonly caches: Caches;
  readonly expectations: Expectations;
  readonly engines: Engines;
  readonly reports: EngineReports;
  readonly recorder: Recorder;
  readonly facts: OperatorFacts;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Memory;
  readonly turns: Turns;
  /** Secrets with keys for Spamhaus, those with certificates, and ConfigMaps with configuration, that clusters refer to. */
  readonly secretWatches: NamedWatches<Secret>;
  readonly certificateWatches: NamedWatches<Secret>;
  readonly configWatches: NamedWatches<ConfigMap>;
  readonly scripts: ScriptCheck;
}
