/** Messages and fields that scripts write, as a library of others reads them, out of a fixed seed. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import PostalMime from "postal-mime";

import { quietWorld } from "../../testing/quiet-world.ts";
import { makeHost, mergeHosts } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";

const host = mergeHosts(libraryHost, makeHost([], [], ["subject", "name", "body", "file"]));
const program = compile(
  "oracles",
  `return MIME()->addHeader("Subject", $subject)
    ->addHeader("To", header_addresslist_compile([["name" => $name, "address" => "a@b.example"], "c@d.example"]))
    ->appendPart(MIME()->setType("text/plain; charset=utf-8")->setBody($body))
    ->appendPart(MIME()->setType("application/octet-stream")->setFileName("f.bin")->setBody($file))->toString();`,
  host,
  noFiles,
);

const bytes = (text: string): string => Buffer.from(text).toString("latin1");
/** Words of any letters, which neither white space nor marks of a field change on their way. */
const words = fc
  .array(
    fc.string({
      unit: fc.constantFrom(...("abzäöüé漢字😀".match(/./gu) ?? [])),
      minLength: 1,
      maxLength: 12,
    }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((all) => all.join(" "));
const lines = fc.array(
  fc.string({ unit: fc.constantFrom("a", "=", ".", "é", "漢", " ", "From "), maxLength: 90 }),
  {
    maxLength: 6,
  },
);
/** With a byte that wants Base64: the other library ends what is not encoded with a line of its own. */
const file = fc.uint8Array({ maxLength: 300 }).map((data) => Uint8Array.from([0xff, ...data]));

test("a message that a script builds says to others what the script meant", async () => {
  await fc.assert(
    fc.asyncProperty(words, words, lines, file, async (subject, name, body, data) => {
      const text = [...body, "end"].join("\n");
      const variables = {
        subject: bytes(subject),
        name: bytes(name),
        body: bytes(text),
        file: Buffer.from(data).toString("latin1"),
      };
      const { value, error } = await run(program, { world: quietWorld(), variables });
      assert.equal(error, null, error?.describe() ?? "");
      const read = await PostalMime.parse(Buffer.from(value as string, "latin1"));
      assert.equal(read.subject, subject);
      assert.deepEqual(
        read.to?.map((one) => [one.name, one.address]),
        [
          [name, "a@b.example"],
          ["", "c@d.example"],
        ],
      );
      assert.equal((read.text ?? "").replaceAll("\r\n", "\n").replace(/\n$/, ""), text);
      const content = read.attachments[0]?.content as ArrayBuffer | undefined;
      assert.deepEqual(Buffer.from(content ?? new ArrayBuffer(0)), Buffer.from(data));
      assert.equal(read.attachments[0]?.filename, "f.bin");
    }),
    { numRuns: 100, seed: 6 },
  );
});
