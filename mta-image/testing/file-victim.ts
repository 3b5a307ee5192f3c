/**
 * A program that is made to be killed: `node --import base/testing/kill-at.ts file-victim.ts STORE FOLDER` keeps things in
 * files as the engine does and says on standard output what is done, a line each, when it is done.
 */
import { mkdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { eventLineOf, notesOf, pushedOf, rowOf, shareOf } from "./kept-things.ts";

const [, , store = "", folder = ""] = process.argv;

async function doing(name: string, act: () => unknown): Promise<void> {
  writeSync(1, `begun ${name}\n`);
  await act();
  writeSync(1, `done ${name}\n`);
}

/** Each loads only what it needs: it is started once a step. */
const histories: Readonly<Record<string, () => Promise<void>>> = {
  pushed: async () => {
    const { writePushed } = await import("#mta/config/files.ts");
    await doing("2", () => writePushed(join(folder, "pushed"), pushedOf(2)));
  },
  share: async () => {
    const { writeShare } = await import("#mta/config/shares.ts");
    await doing("2", () => writeShare({ folder, initial: shareOf(0) }, shareOf(2)));
  },
  tls: async () => {
    const { writeKept } = await import("#mta/delivery/kept-json.ts");
    for (const n of [2, 3]) await doing(`${n}`, () => writeKept(join(folder, "tls/reports.json"), { n }));
  },
  crashes: async () => {
    const { readCrashes } = await import("#mta/plugins/crash-notes.ts");
    const path = join(folder, "crashes.log");
    writeFileSync(path, notesOf(1));
    await doing("2", () => readCrashes(path));
  },
  events: async () => {
    const { Batches } = await import("#mta/events/batches.ts");
    mkdirSync(join(folder, "events"));
    writeFileSync(join(folder, "events/0.json.part"), "half");
    const batches = await Batches.open(join(folder, "events"), 50);
    for (const id of ["1", "2"])
      await doing(`add ${id}`, () => batches.add(id, JSON.stringify([id.repeat(20)])));
    await doing("remove 1", () => batches.remove("1"));
    // The second makes room for it.
    await doing("add 3", () => batches.add("3", JSON.stringify(["3".repeat(40)])));
  },
  rotated: async () => {
    const { RotatedFile } = await import("#mta/events/rotated-file.ts");
    const onNotRotated = (error: unknown): void => {
      throw error;
    };
    const file = new RotatedFile({ path: join(folder, "mail.log"), maxBytes: 30, keep: 9, onNotRotated });
    for (let n = 1; n <= 9; n++) await doing(`${n}`, () => file.write(eventLineOf(n)));
    await file.close();
  },
  suppressions: async () => {
    const { SuppressionStore } = await import("#mta/suppression/suppression-store.ts");
    const list = new SuppressionStore(join(folder, "list.db"));
    for (const n of [1, 2]) await doing(`add ${n}`, () => list.add([rowOf(n)], { max: 10, now: 0 }));
    await doing("delete 1", () => list.delete("", [rowOf(1).address], { max: 10, now: 0 }));
    list.close();
  },
};

await histories[store]?.();
