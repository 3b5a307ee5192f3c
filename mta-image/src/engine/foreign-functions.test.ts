import assert from "node:assert/strict";
import { test } from "node:test";

import { buildNative } from "../../testing/native-plugins.ts";
import { quietWorld } from "../../testing/quiet-world.ts";
import { Refusal } from "../script/error.ts";
import { declare, makeHost, mergeHosts } from "../script/host.ts";
import { fileClass, makeFile } from "../script/library/file.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile, run } from "../script/machine.ts";
import { type ByteSource, Pieces } from "../script/mail/pieces.ts";
import { noFiles } from "../script/module.ts";
import { openForeign } from "./foreign-functions.ts";

buildNative();
const { host, port: foreign } = await openForeign(null);

/** What C reads first of a File over the source, which the script has as mail(). */
async function firstByte(source: ByteSource): Promise<unknown> {
  const mail = declare({
    name: "mail",
    parameters: [],
    returns: fileClass.name,
    docs: "A File.",
    run: () => makeFile(Pieces.over(source)),
  });
  const script = `
    $getc = FFI("libc.so.6")->func("fgetc", [FFI::type("pointer")], FFI::type("sint32"));
    return chr(FFI::number($getc(mail()->toFFIValue())));`;
  const program = compile("script", script, mergeHosts(libraryHost, host, makeHost([mail])), noFiles);
  const { value, error } = await run(program, { world: { ...quietWorld(), ports: { foreign } } });
  return error?.message ?? value;
}

test("C reads mail that comes from elsewhere, and one that can no longer be read is an error of the script", async () => {
  const text = Buffer.from("elsewhere");
  assert.equal(await firstByte({ size: 9, read: async (start, end) => text.subarray(start, end) }), "e");
  const gone = { size: 9, read: () => Promise.reject(new Refusal("the spool no longer has it")) };
  assert.equal(await firstByte(gone), "the spool no longer has it");
});
