import assert from "node:assert/strict";
import { after, test } from "node:test";

import type { RunContext } from "#mta/script/context.ts";
import { fileBytes, makeFile } from "#mta/script/library/file.ts";
import { type ByteSource, Pieces } from "#mta/script/mail/pieces.ts";
import { HslArray } from "#mta/script/value.ts";

import { makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { offerFunctions } from "./functions.ts";
import type { UnopenedFile, Wire } from "./native.ts";
import { withOpened } from "./opened-files.ts";
import { noResources } from "./values.ts";

type Opened = Awaited<ReturnType<UnopenedFile["open"]>>;

/** Files that count how many of them are open. */
function counting(): { readonly file: () => UnopenedFile; readonly open: () => number } {
  let count = 0;
  const close = async (): Promise<void> => {
    count -= 1;
  };
  const open = async (): Promise<Opened> => {
    count += 1;
    return { pieces: [Buffer.from("text")], close };
  };
  return { file: () => ({ kind: "unopened", open }), open: () => count };
}

test("files are open while the call hands them over, wherever they stand, and closed before the plugin has ended", async () => {
  const { file, open } = counting();
  const { promise, resolve } = Promise.withResolvers<string>();
  const seen: unknown[] = [];
  const result = withOpened([1, ["a", file(), "b", ["c", file()]]], (wires) => {
    seen.push(open(), wires);
    return promise;
  });
  await new Promise((done) => setImmediate(done));
  const opened = { kind: "file", pieces: [Buffer.from("text")] };
  assert.deepEqual(seen, [2, [1, ["a", opened, "b", ["c", opened]]]]);
  assert.equal(open(), 0);
  resolve("done");
  assert.equal(await result, "done");
});

test("none stays open where one cannot be opened, the call fails, or there are too many", async () => {
  const { file, open } = counting();
  const gone: UnopenedFile = { kind: "unopened", open: () => Promise.reject(new Error("gone")) };
  const many: Wire[] = Array.from({ length: 65 }, file);
  const fine = (): never => assert.fail("the plugin was called");
  await assert.rejects(withOpened([file(), gone], fine), /^Error: gone$/);
  await assert.rejects(withOpened(many, fine), /^Refusal: a plugin may be given 64 large files at once$/);
  const failing = async (): Promise<never> => Promise.reject(new Error("thrown"));
  await assert.rejects(withOpened([file()], failing), /^Error: thrown$/);
  assert.equal(open(), 0);
});

test("a function of a plugin reads a file that was to be opened, and one that comes from elsewhere", async () => {
  const plugins = makeTestHost();
  await startPlugins(plugins, { values: {} });
  after(() => plugins.host.cleanup());
  const elsewhere: ByteSource = {
    size: 9,
    read: async (start, end) => Buffer.from("elsewhere").subarray(start, end),
  };
  const resources = {
    ...noResources,
    encode: (object: Parameters<typeof fileBytes>[0]) => {
      const bytes = fileBytes(object);
      return bytes === undefined ? null : { kind: "unopened" as const, open: () => bytes.lend() };
    },
  };
  const { global } = offerFunctions(plugins.host.registrations, plugins.host.calls, resources);
  const read = global.functions.get("read_file");
  const types = global.functions.get("types");
  const context = {} as RunContext;
  assert.equal(await read?.call(context, [makeFile(Pieces.over(elsewhere)), 4]), "where");
  const inArray = new HslArray([makeFile(Pieces.of("here"))]);
  assert.ok(await types?.call(context, [inArray]));
});
