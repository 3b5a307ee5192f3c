/**
 * Delivery attempts by plugins. `deliver` starts one and resolves when the plugin says that it is done; a plugin
 * that never does leaves the promise pending, and whoever awaits sets the bound. Rejects only when the plugin cannot
 * deliver at all (a bug of the caller); everything that a plugin says is an outcome.
 */
import type { NativeAddon, NativeMessage, Piece, Wire } from "./native.ts";
import type { Payload } from "./orders.ts";
import type { LoadedPlugin } from "./inspect.ts";

export interface PluginAttempt {
  readonly message: NativeMessage;
  /** The message with all changes made to it. */
  readonly file: readonly Piece[];
  /** The arguments given in Try(). */
  readonly args: Wire;
}

export interface PluginResult {
  /** As in SMTP: 2xx delivered, 4xx later, 5xx never. null: the plugin gave none. */
  readonly code: number | null;
  readonly reason: string | null;
  /** A temporary error; it outranks the code. */
  readonly error: string | null;
  readonly trace: readonly string[];
  /** For the post-delivery script. */
  readonly ret: Wire;
}

export class Deliveries {
  readonly #native: NativeAddon;
  readonly #underWay = new Map<number, (result: PluginResult) => void>();

  constructor(native: NativeAddon) {
    this.#native = native;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  deliver(plugin: LoadedPlugin, attempt: PluginAttempt): Promise<PluginResult> {
    return new Promise((resolve) => {
      const token = this.#native.deliver(plugin.index, attempt.message, attempt.file, attempt.args);
      this.#underWay.set(token, resolve);
    });
  }

  finish(payload: Payload): void {
    const token = payload.number("token");
    const resolve = this.#underWay.get(token);
    this.#underWay.delete(token);
    resolve?.(resultOf(payload));
  }
}

function resultOf(payload: Payload): PluginResult {
  const code = payload.value("code");
  const error = payload.maybe("error");
  const silent = code === null && error === null;
  return {
    code: typeof code === "number" ? code : null,
    reason: payload.maybe("reason"),
    error: silent ? "the plugin ended the attempt without a result" : error,
    trace: payload.items("trace").map(String),
    ret: payload.value("ret"),
  };
}
