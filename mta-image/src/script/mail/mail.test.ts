import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";

import { readAddresses } from "./addresses.ts";
import { bodyHash, canonicalField } from "./dkim.ts";
import { makeField, putField } from "./edit.ts";
import { Message, partById } from "./message.ts";
import { Part, fieldValue } from "./part.ts";
import { type ByteSource, Pieces } from "./pieces.ts";
import { scan } from "./scan.ts";
import { encodeBody } from "./transfer.ts";
import { decodeWords, encodeWords } from "./words.ts";
import { makeDecoder } from "#mta/message/transfer-decoder.ts";

/** Bytes in pieces of a few, so that every cut is met. */
function cut(text: string, size: number): Pieces {
  const all: Pieces[] = [];
  for (let at = 0; at < text.length; at += size) all.push(Pieces.of(text.slice(at, at + size)));
  return Pieces.join(all);
}

function outline(part: Part): unknown {
  const { content } = part;
  const inner =
    content.kind === "leaf" ? content.body.text() : [content.preamble.text(), content.epilogue.text()];
  return [part.header(), inner, part.children.map(outline), [...part.errors]];
}

const lines = [
  "\r\n",
  "\n",
  "--a",
  "--b",
  "--a--",
  "--b--",
  "-",
  "\r",
  "x",
  " ",
  "Content-Type: multipart/mixed; boundary=a\r\n",
  "Content-Type: multipart/mixed; boundary=b\r\n",
  "\r\n\r\n",
];
const message = fc.array(fc.constantFrom(...lines), { maxLength: 40 }).map((list) => list.join(""));

describe("a scanned message", () => {
  test("gives back the bytes that it was read from", async () => {
    await fc.assert(
      fc.asyncProperty(message, async (text) => {
        const whole = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${text}`;
        assert.equal(await (await scan(Pieces.of(whole))).all().text(), whole);
      }),
      { numRuns: 2000 },
    );
  });

  test("is the same wherever its bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(message, fc.integer({ min: 1, max: 5 }), async (text, size) => {
        const whole = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${text}`;
        assert.deepEqual(outline(await scan(cut(whole, size))), outline(await scan(Pieces.of(whole))));
      }),
      { numRuns: 2000 },
    );
  });

  test("is bounded in parts, and its parts are found by their numbers", async () => {
    const flat = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(30_000)}--b--\r\nend`;
    const tree = await scan(Pieces.of(flat));
    assert.equal(tree.children.length, 9999);
    assert.equal(await tree.all().text(), flat);
    assert.deepEqual([...tree.errors], []);
    for (const part of [tree, ...tree.children]) assert.equal(partById(tree, part.id), part);
    for (const id of ["", "2", "1.0", "1.10000", "1.-1", "1.1.1", "1.01", "1.x", "1."])
      assert.equal(partById(tree, id), null, id);
  });

  test("is bounded in depth and header bytes", async () => {
    const deep = Array.from(
      { length: 500 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
    ).join("");
    assert.equal([...(await scan(Pieces.of(deep))).walk()].length, 51);
    const wide = await scan(Pieces.of(`X: ${"y".repeat(3_000_000)}\r\n\r\nbody`));
    assert.deepEqual([...wide.errors], ["bad_header"]);
    assert.equal(wide.all().size, 3_000_011);
  });

  test("in a file is read once, in bounded pieces, and its body is not kept", async () => {
    let [asked, largest] = [0, 0];
    const size = 40_000_000;
    const head = Buffer.from(
      "Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n",
    );
    const source: ByteSource = {
      size,
      read: async (start, end) => {
        asked += end - start;
        largest = Math.max(largest, end - start);
        const bytes = Buffer.alloc(end - start, 0x78);
        if (start === 0) head.copy(bytes);
        return bytes;
      },
    };
    const part = await scan(Pieces.over(source));
    assert.equal(part.children[0]?.body().size, size - head.length);
    assert.equal(asked, size);
    assert.ok(largest <= 256 * 1024);
  });
});

test("editing the header of a large message in a file reads nothing again and changes no other byte", async () => {
  const body = `\r\n${"x".repeat(1000)}\r\n`.repeat(5_000);
  const bytes = Buffer.from(`Subject: a\r\nX-Kept:  b \r\n c\r\n\r\n${body}`);
  let asked = 0;
  const message = new Message(
    Pieces.over({
      size: bytes.length,
      read: async (start, end) => {
        asked += end - start;
        return bytes.subarray(start, end);
      },
    }),
  );
  putField(await message.tree(), makeField("Subject", "other", false));
  const snapshot = message.snapshot();
  message.modify(9, 5, "third");
  assert.equal(message.restore(snapshot), true);
  const written = message.bytes();
  assert.equal(asked, bytes.length);
  assert.equal(await written.text(), bytes.toString("latin1").replace("Subject: a", "Subject: other"));
});

describe("DKIM's canonical forms", () => {
  const hash = async (text: string, canonical: "simple" | "relaxed", size: number): Promise<string> => {
    const part = new Part(null, "");
    part.content = { kind: "leaf", body: cut(text, size) };
    return (await bodyHash(part, canonical, null, "sha256")).hash;
  };
  const of = (text: string): string => createHash("sha256").update(text).digest("base64");

  test("are those of the RFC's example (6376, 3.4.5)", async () => {
    assert.equal(canonicalField("A: X\r\n", "relaxed"), "a:X");
    assert.equal(canonicalField("B : Y\t\r\n\tZ  \r\n", "relaxed"), "b:Y Z");
    assert.equal(await hash(" C \r\nD \t E\r\n\r\n\r\n", "relaxed", 3), of(" C\r\nD E\r\n"));
    assert.equal(await hash(" C \r\nD \t E\r\n\r\n\r\n", "simple", 3), of(" C \r\nD \t E\r\n"));
    assert.equal(await hash("", "simple", 1), of("\r\n"));
    assert.equal(await hash("\r\n\r\n", "relaxed", 1), of(""));
  });

  test("do not depend on where bytes are cut", async () => {
    const body = fc.array(fc.constantFrom("\r\n", " ", "\t", "x", "\r", "\n")).map((list) => list.join(""));
    await fc.assert(
      fc.asyncProperty(body, fc.integer({ min: 1, max: 4 }), async (text, size) => {
        for (const form of ["simple", "relaxed"] as const)
          assert.equal(await hash(text, form, size), await hash(text, form, 1000));
      }),
      { numRuns: 1000 },
    );
  });
});

test("encoded bodies come back, in lines of at most 76 characters", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (data) => {
      const text = Buffer.from(data)
        .toString("latin1")
        .replace(/\r?\n|\r/g, "\r\n");
      for (const encoding of ["base64", "quoted-printable"] as const) {
        const code = encodeBody(text, encoding);
        assert.ok(code.split("\r\n").every((line) => line.length <= 76));
        const decoder = makeDecoder(encoding);
        const pieces = [decoder.push(Buffer.from(code, "latin1")), decoder.end()];
        assert.equal(Buffer.concat(pieces).toString("latin1"), text);
      }
    }),
  );
});

test("encoded words come back, and none is longer than 75 characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (text) => {
      const bytes = Buffer.from(text.replace(/[\s"<>]+/g, " ").trim(), "utf8").toString("latin1");
      const words = encodeWords(bytes);
      assert.equal(decodeWords(words), bytes);
      assert.ok(words.split(" ").every((word) => !word.startsWith("=?") || word.length <= 75));
    }),
  );
});

test("any text is read as addresses or refused, in time that grows with its length", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'<>,:;()"\\@. ab[]')), (list) => {
      const found = readAddresses(list.join(""));
      assert.ok(found === null || found.every(({ address }) => address !== ""));
    }),
  );
  assert.equal(readAddresses(`${"(".repeat(1_000_000)}a@b`), null);
  assert.equal(readAddresses("a@b,".repeat(100_000))?.length, 100_000);
});

test("long words cost no more than their length", () => {
  const long = "a".repeat(2_000_000);
  assert.equal(encodeWords(`${long} \xe5 ${long}`).length, 2 * long.length + 2 + encodeWords("\xe5").length);
  assert.equal(decodeWords(`=?${long}`).length, long.length + 2);
});

test("a byte that only JavaScript takes for white space stays where it is", async () => {
  const letter = "\xc3\xa0";
  assert.equal(canonicalField(`A: x ${letter}\r\n`, "relaxed"), `a:x ${letter}`);
  const part = await scan(Pieces.of(`A: ${letter}\r\n\r\n`));
  assert.equal(part.fields.map(fieldValue).join(), letter);
  assert.equal(decodeWords(encodeWords(`${letter} b`)), `${letter} b`);
  assert.match(encodeWords(`${letter} b`), /^[\x20-\x7e]+$/);
  assert.deepEqual(readAddresses(`${letter}@example.com`), [{ name: "", address: `${letter}@example.com` }]);
});
