import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";

import { type PartHead, partHead } from "./mime-fields.ts";
import { type MimeLimits, MimeReader, mimeLimits } from "./mime-reader.ts";
import { makeDecoder } from "./transfer-decoder.ts";

/** Each part as one line: type, encoding, decoded bytes. */
function read(
  text: string,
  options: { pieces?: readonly number[]; limits?: MimeLimits } = {},
): { parts: string[]; fields: string[]; isCut: boolean } {
  const parts: string[] = [];
  const fields: string[] = [];
  const reader = new MimeReader(
    {
      field: (name, value, depth) => fields.push(`${depth} ${name}: ${value}`),
      part: (head) => collect(head, (line) => parts.push(line)),
    },
    options.limits,
  );
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  for (const piece of options.pieces ?? []) {
    reader.push(bytes.subarray(at, at + piece));
    at += piece;
  }
  reader.push(bytes.subarray(at));
  reader.end();
  return { parts, fields, isCut: reader.isCut };
}

function collect(head: PartHead, done: (line: string) => void): { write(p: Buffer): void; end(): void } {
  const decoder = makeDecoder(head.encoding);
  const pieces: Buffer[] = [];
  return {
    write: (piece) => pieces.push(decoder.push(piece)),
    end: () => done(`${head.type} ${Buffer.concat([...pieces, decoder.end()]).toString("latin1")}`),
  };
}

const nested = [
  "Subject: a folded",
  "\tsubject",
  'Content-Type: multipart/mixed; boundary="outer"',
  "",
  "preamble",
  "--outer",
  "Content-Type: multipart/alternative;",
  " boundary=in--ner",
  "",
  "--in--ner",
  "",
  "plain --outer",
  "--outerx",
  "",
  "--in--ner",
  'Content-Type: Text/HTML; charset="ISO-8859-1"',
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "a=3Db=",
  "c",
  "--in--ner--",
  "epilogue",
  "--outer  ",
  "Content-Type: application/pdf; name=x.pdf",
  "Content-Transfer-Encoding: BASE64",
  "",
  "aGVs",
  "bG8=",
  "--outer--",
  "epilogue",
].join("\r\n");

const nestedParts = ["text/plain plain --outer\r\n--outerx\r\n", "text/html a=bc", "application/pdf hello"];

describe("the MIME reader", () => {
  test("finds the parts of nested multiparts, decoded, and the fields of every header", () => {
    const { parts, fields, isCut } = read(nested);
    assert.deepEqual(parts, nestedParts);
    assert.equal(fields[0], "0 subject: a folded\tsubject");
    assert.ok(fields.includes("1 content-type: multipart/alternative; boundary=in--ner"));
    assert.equal(isCut, false);
  });

  test("finds the same wherever the bytes are cut, and byte by byte", () => {
    for (let cut = 1; cut < nested.length; cut++)
      assert.deepEqual(read(nested, { pieces: [cut] }).parts, nestedParts, `cut at ${cut}`);
    assert.deepEqual(
      read(nested, { pieces: Array.from({ length: nested.length }, () => 1) }).parts,
      nestedParts,
    );
  });

  test("any bytes are read without a throw, and cut anywhere give the same parts", () => {
    const words = [
      "\r\n",
      "\n",
      "--b",
      "--",
      "-",
      "\r",
      "x",
      "Content-Type: multipart/mixed; boundary=b",
      "\r\n\r\n",
    ];
    const message = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((list) => list.join(""));
    fc.assert(
      fc.property(message, fc.array(fc.integer({ min: 1, max: 9 })), (text, pieces) => {
        const whole = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${text}`;
        assert.deepEqual(read(whole, { pieces }).parts, read(whole).parts);
      }),
      { numRuns: 500 },
    );
  });

  test("an inner multipart without end is ended by the outer delimiter", () => {
    const text = nested.replace("--in--ner--\r\nepilogue\r\n", "");
    assert.deepEqual(read(text).parts, nestedParts);
  });

  test("a delimiter inside a header ends that header", () => {
    const text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n--b\r\n\r\ntext\r\n--b--";
    assert.deepEqual(read(text).parts, ["text/plain text"]);
  });

  test("depth, parts and header bytes are bounded", () => {
    const head = (name: string): string =>
      `Content-Type: multipart/mixed; boundary=${name}\r\n\r\n--${name}\r\n`;
    const deep = Array.from({ length: 1000 }, (_, i) => head(`b${i}`)).join("");
    assert.equal(read(deep).isCut, true);
    const many = read(`${head("b")}${"\r\n\r\n--b\r\n".repeat(10_000)}`);
    assert.equal(many.isCut, true);
    assert.equal(many.parts.length, mimeLimits.parts - 1);
    const giant = read(`X: ${"y".repeat(100_000)}\r\nSubject: seen\r\n\r\nbody`);
    assert.equal(giant.isCut, true);
    assert.deepEqual(giant.parts, ["text/plain body"]);
    assert.equal(read(`${"X: y\r\n".repeat(100_000)}\r\nbody`).fields.length < 20_000, true);
  });

  test("a body that is no multipart is passed on whole", () => {
    assert.deepEqual(read("\r\n--x\r\ny").parts, ["text/plain --x\r\ny"]);
    assert.deepEqual(read("Content-Type: multipart/mixed\r\n\r\n--x").parts, ["multipart/mixed --x"]);
    assert.deepEqual(read("").parts, ["text/plain "]);
  });
});

describe("part heads", () => {
  const head = (field: string, disposition = ""): PartHead =>
    partHead(
      new Map([
        ["content-type", field],
        ["content-disposition", disposition],
      ]),
    );

  test("broken ones are text", () => {
    for (const field of ["", ";;;", "text", "/", "\0", "multipart"])
      assert.equal(head(field).type, "text/plain");
  });

  test("boundaries may be quoted and escaped, and are bounded", () => {
    assert.equal(head('multipart/mixed; a=b; boundary="x\\"y z"').boundary, 'x"y z');
    assert.equal(head("multipart/mixed; boundary=").boundary, null);
    assert.equal(head(`multipart/mixed; boundary=${"b".repeat(1000)}`).boundary, null);
    assert.equal(head("text/plain; boundary=b").boundary, null);
  });

  test("ten thousand continuations of a name, and a parameter of a million bytes, are read as an attachment", () => {
    const segments = Array.from({ length: 10_000 }, (_, i) => `filename*${i}*=%41`).join("; ");
    assert.ok(head("text/plain", `attachment; ${segments}`).isAttachment);
    assert.ok(head(`text/plain; name="${'\\"'.repeat(500_000)}"`, "attachment").isAttachment);
  });

  test("a part with a name or a disposition is an attachment", () => {
    assert.ok(head("text/plain; name*0=x").isAttachment);
    assert.ok(head("text/plain", "inline; filename*=utf-8''x").isAttachment);
    assert.ok(head("text/plain", "Attachment").isAttachment);
    assert.ok(!head("text/plain; charset=x", "inline").isAttachment);
  });
});

describe("decoding", () => {
  test("base64 and quoted-printable come back whatever the cuts", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data));
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 7 }), (data, step) => {
        const base64 = data.toString("base64").replace(/(.{10})/g, "$1\r\n");
        const quoted = [...data]
          .map((byte) => `=${byte.toString(16).padStart(2, "0")}`)
          .join("")
          .replace(/(.{9})/g, "$1=\r\n");
        for (const [encoding, text] of [
          ["base64", base64],
          ["quoted-printable", quoted],
        ] as const) {
          const decoder = makeDecoder(encoding);
          const pieces: Buffer[] = [];
          for (let at = 0; at < text.length; at += step)
            pieces.push(decoder.push(Buffer.from(text.slice(at, at + step))));
          assert.deepEqual(Buffer.concat([...pieces, decoder.end()]), data);
        }
      }),
    );
  });

  test("what is no code is passed over or stays as it is", () => {
    assert.equal(makeDecoder("base64").push(Buffer.from("a!G V\0s\r\nbG8=")).toString(), "hel");
    const quoted = makeDecoder("quoted-printable");
    assert.equal(quoted.push(Buffer.from("=ZZ =4")).toString() + quoted.end().toString(), "=ZZ =4");
  });
});
