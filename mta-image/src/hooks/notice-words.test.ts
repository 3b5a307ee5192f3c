import assert from "node:assert/strict";
import { test } from "node:test";

import type { NoticeWords } from "../message/notice-words.ts";
import { type Value, HslArray } from "../script/value.ts";
import { noticeWords } from "./notice-words.ts";

function words(dsn: Readonly<Record<string, Value>>): NoticeWords | null | string {
  return noticeWords(HslArray.from([["dsn", HslArray.from(Object.entries(dsn))]]));
}

const usual: NoticeWords = {
  content: null,
  part: null,
  headers: [],
  subjectPrefix: "",
  fromName: null,
  returnsOriginal: true,
};

test("nothing said is nothing changed", () => {
  assert.equal(noticeWords(null), null);
  assert.deepEqual(words({}), usual);
});

test("header fields come by name, and as a list of lines", () => {
  const named = HslArray.from([["X-Team", "post"]]);
  assert.deepEqual(words({ headers: named }), { ...usual, headers: [["X-Team", "post"]] });
  const listed = HslArray.of(["X-Team: post", "X-Empty:"]);
  assert.deepEqual(words({ headers: listed }), {
    ...usual,
    headers: [
      ["X-Team", "post"],
      ["X-Empty", ""],
    ],
  });
});

for (const [what, headers] of [
  ["a line without a name", HslArray.of(["no colon"])],
  ["a line that is no text", HslArray.of([1])],
  ["a field of the notice itself", HslArray.of(["From: me@example.org"])],
  ["another line behind it", HslArray.of(["X-A: b\r\nBcc: c"])],
  ["a type of its own", HslArray.from([["Content-Type", "text/html"]])],
] as const)
  test(`${what} is no header field`, () => {
    assert.match(String(words({ headers })), /^dsn headers are no texts/);
  });

test("subject, what stands before it and the name of the sender are encoded where they have to be", () => {
  assert.deepEqual(words({ subject: "gone", subject_prepend: "Late: ", from_name: 'The "Post"' }), {
    ...usual,
    headers: [["Subject", "gone"]],
    subjectPrefix: "Late: ",
    fromName: '"The \\"Post\\""',
  });
  assert.deepEqual(words({ subject: "gr\xc3\xbc\xc3\x9fe", from_name: "Gr\xc3\xbcn" }), {
    ...usual,
    headers: [["Subject", "=?UTF-8?B?Z3LDvMOfZQ==?="]],
    fromName: "=?UTF-8?B?R3LDvG4=?=",
  });
  for (const option of ["subject", "subject_prepend", "from_name"])
    assert.equal(words({ [option]: "a\r\nBcc: b" }), `dsn ${option} is no line of text`);
});

test("a part with a header of its own takes the place of the explanation", () => {
  const part = "Content-Type: text/html\r\n\r\n<em>late</em>";
  assert.deepEqual(words({ readable_mimepart: part, original_headers: false }), {
    ...usual,
    part,
    returnsOriginal: false,
  });
  for (const wrong of ["no header", "Content-Type: text/html\r\n", 7])
    assert.equal(
      words({ readable_mimepart: wrong }),
      "dsn readable_mimepart is no MIME part of at most 64 KiB",
    );
});
