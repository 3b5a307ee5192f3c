/**
 * Calls of plugin functions and their results. A call that ends at once gives its value; one that is suspended
 * gives a promise, which a `schedule` from any thread fulfils. A plugin that never schedules leaves the promise
 * pending: whoever awaits it sets the bound (a script's time limit), and nothing breaks when the schedule comes
 * after all. Throws, or rejects with, a NativeThrow when the plugin threw.
 */
import { NativeThrow } from "./error.ts";
import { type NativeAddon, type NativeFunction, type Wire, type WireObject, outcomes } from "./native.ts";

interface Waiting {
  resolve(value: Wire): void;
  reject(error: NativeThrow): void;
}

export class Calls {
  readonly outcome = new Int32Array(2);
  readonly #native: NativeAddon;
  readonly #waiting = new Map<number, Waiting>();

  constructor(native: NativeAddon) {
    this.#native = native;
  }

  get suspended(): number {
    return this.#waiting.size;
  }

  call(run: NativeFunction, args: readonly Wire[]): Wire | Promise<Wire> {
    return this.#settle(run(...args));
  }

  callMethod(object: WireObject, method: number, args: readonly Wire[]): Wire | Promise<Wire> {
    return this.#settle(this.#native.callMethod(object.handle, method, ...args));
  }

  resume(index: number, thrown: boolean, value: Wire): void {
    const waiting = this.#waiting.get(index);
    this.#waiting.delete(index);
    if (thrown) waiting?.reject(new NativeThrow(value));
    else waiting?.resolve(value);
  }

  #settle(result: Wire | undefined): Wire | Promise<Wire> {
    if (this.outcome[0] === outcomes.value) return result ?? null;
    if (this.outcome[0] === outcomes.thrown) throw new NativeThrow(result ?? null);
    const index = this.outcome[1] ?? 0;
    return new Promise((resolve, reject) => this.#waiting.set(index, { resolve, reject }));
  }
}
