/**
 * The disk under the spools of the test cluster, made full and empty again. It is the disk of the whole machine, which must
 * not really be filled: engines are given a floor a little below what is free now, and a file that takes the rest up to
 * there and beyond. For them the disk is full; nobody else notices. `empty` is harmless when it is not full.
 */
import { rm, statfs } from "node:fs/promises";

import { state } from "../cluster/places.ts";
import { run } from "../peers/shell.ts";

const MIB = 2 ** 20;
/** What others on the machine may write meanwhile without the floor being met, or free without it being left. */
const MOST_MARGIN_MIB = 6144;
const LEAST_MARGIN_MIB = 512;
const BALLAST = `${state}/ballast`;

export class Disk {
  /** spec.config.startup.minFree.size of the cluster. */
  readonly floor: string;

  readonly #marginMib: number;

  private constructor(freeMib: number, marginMib: number) {
    this.floor = `${freeMib - marginMib}Mi`;
    this.#marginMib = marginMib;
  }

  /** Rejects where less than 2 GiB are free. */
  static async open(): Promise<Disk> {
    const { bavail, bsize } = await statfs(state);
    const free = Math.floor((bavail * bsize) / MIB);
    const margin = Math.min(MOST_MARGIN_MIB, Math.floor(free / 4));
    if (margin < LEAST_MARGIN_MIB)
      throw new Error(
        `${state}: ${free} MiB are free; a full disk is tried out with ${4 * LEAST_MARGIN_MIB}`,
      );
    return new Disk(free, margin);
  }

  async fill(): Promise<void> {
    await run("fallocate", ["--length", `${2 * this.#marginMib}MiB`, BALLAST]);
  }

  async empty(): Promise<void> {
    await rm(BALLAST, { force: true });
  }
}
