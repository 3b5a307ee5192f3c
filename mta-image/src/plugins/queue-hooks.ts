/**
 * Asks plugins about a message that enters or leaves the active queue. They are asked in the order of the
 * configuration; each may narrow the local addresses for those after it, the first refusal ends it. A plugin that
 * throws has no say: it is logged and the message goes on, for mail must not stop at a plugin's bug.
 */
import type { Log } from "#base/log.ts";

import type { LoadedPlugin } from "./inspect.ts";
import type { NativeAddon, NativeMessage, QueueHook, Wire } from "./native.ts";

export type HookAnswer =
  | { readonly kind: "accepted"; readonly localIps: readonly string[] }
  /** Back to pre-delivery; `ret` is $arguments["queue"]["plugin"]["return"]. */
  | { readonly kind: "refused"; readonly plugin: string; readonly ret: Wire };

/** The newer form of each hook, then the older; a plugin is asked through the first that it exports. */
const forms = {
  insert: ["Halon_queue_insert_callback", "Halon_queue_preadd"],
  pickup: ["Halon_queue_pickup_acquire2", "Halon_queue_pickup_acquire"],
} as const satisfies Record<string, readonly QueueHook[]>;

interface Hooked {
  readonly plugin: LoadedPlugin;
  readonly hook: QueueHook;
}

export class QueueHooks {
  readonly #native: NativeAddon;
  readonly #log: Log;
  readonly #hooked: Record<keyof typeof forms, Hooked[]> = { insert: [], pickup: [] };

  constructor(native: NativeAddon, log: Log) {
    this.#native = native;
    this.#log = log;
  }

  add(plugin: LoadedPlugin): void {
    for (const when of ["insert", "pickup"] as const) {
      const hook = forms[when].find((name) => plugin.inspection.exported.includes(name));
      if (hook !== undefined) this.#hooked[when].push({ plugin, hook });
    }
  }

  /** False: nobody needs to be asked. */
  has(when: keyof typeof forms): boolean {
    return this.#hooked[when].length > 0;
  }

  ask(when: keyof typeof forms, message: NativeMessage, localIps: readonly string[]): HookAnswer {
    let left = localIps;
    for (const { plugin, hook } of this.#hooked[when]) {
      const answer = this.#askOne(plugin, hook, message, left);
      if (answer === null) continue;
      if (!answer.accepted) return { kind: "refused", plugin: plugin.id, ret: answer.ret };
      left = answer.localIps ?? left;
    }
    return { kind: "accepted", localIps: left };
  }

  #askOne(
    plugin: LoadedPlugin,
    hook: QueueHook,
    message: NativeMessage,
    localIps: readonly string[],
  ): ReturnType<NativeAddon["queueHook"]> | null {
    try {
      return this.#native.queueHook(plugin.index, hook, message, localIps);
    } catch (error) {
      this.#log.error({ plugin: plugin.id, hook, err: error }, "plugin-hook-failed");
      return null;
    }
  }
}
