/**
 * Free space and inodes of the spool's file system, looked up every few seconds. Below the floor new mail is
 * refused (452) while what is queued goes on. A figure that cannot be read is unknown: mail is taken then,
 * and a full disk still shows as a failed write, which never becomes a 250.
 */
import type { Clock, Timer } from "#base/clock.ts";

import type { SpoolFiles } from "./files.ts";

export interface SpaceFloor {
  readonly bytes: number;
  readonly inodes: number;
}

const LOOK_EVERY_MS = 2000;

export class Space {
  readonly #files: SpoolFiles;
  readonly #floor: SpaceFloor;
  readonly #clock: Clock;
  readonly #onLook: () => void;
  #timer: Timer | null = null;
  #isStopped = false;
  #free: { bytes: number; inodes: number } | null = null;

  constructor(options: { files: SpoolFiles; floor: SpaceFloor; clock: Clock; onLook: () => void }) {
    this.#files = options.files;
    this.#floor = options.floor;
    this.#clock = options.clock;
    this.#onLook = options.onLook;
  }

  get freeBytes(): number | null {
    return this.#free?.bytes ?? null;
  }

  get isFull(): boolean {
    return (
      this.#free !== null && (this.#free.bytes < this.#floor.bytes || this.#free.inodes < this.#floor.inodes)
    );
  }

  /** Looks once now, then goes on looking. */
  async watch(): Promise<void> {
    this.#free = await this.#files.space().catch(() => null);
    this.#onLook();
    if (!this.#isStopped) this.#timer = this.#clock.after(LOOK_EVERY_MS, () => void this.watch());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}
