/**
 * The disk under the spools of the test cluster, made full and empty again. It is the disk of the whole machine, which must
 * not really be filled: engines are given a floor a little below what is free now, and a file that takes the rest up to
 * there and beyond. For them the disk is full; nobody else notices. `empty` is harmless when it is not full.
 */
import { rm, statfs } from "node:fs/promises";

import { state } from "../cluster/places.ts";
import { run } from "../peers/shell.ts";

const GIB = 2 ** 30;
/** What others on the machine may write meanwhile without the floor being met, or free without it being left. */
const MARGIN = 6 * GIB;
const BALLAST = `${state}/ballast`;

export class Disk {
  /** spec.config.startup.minFree.size of the cluster. */
  readonly floor: string;

  private constructor(floor: string) {
    this.floor = floor;
  }

  /** Rejects where less than some 20 GiB are free. */
  static async open(): Promise<Disk> {
    const { bavail, bsize } = await statfs(state);
    const free = Math.floor((bavail * bsize) / GIB);
    if (free < 3 * (MARGIN / GIB) + 1)
      throw new Error(`${state}: ${free} GiB are free, and a full disk is tried out with 19 at least`);
    return new Disk(`${free - MARGIN / GIB}Gi`);
  }

  async fill(): Promise<void> {
    await run("fallocate", ["--length", String(2 * MARGIN), BALLAST]);
  }

  async empty(): Promise<void> {
    await rm(BALLAST, { force: true });
  }
}
