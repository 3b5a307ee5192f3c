/** Answers of a store to mail in parts: cut at each position, or made of anything, they never count as a message that is there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { putObject } from "./put-object.ts";
import type { S3Client } from "./s3-client.ts";

const begun = `<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>`;
const done = `<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"t"</ETag></CompleteMultipartUploadResult>\n`;

/** The status in the end, of a message in two parts, when the store answers with these texts; and what it was asked. */
async function put(
  answers: { begun: string; done: string },
  statusOf: (step: "begun" | "part" | "done") => number = () => 200,
): Promise<{ status: number; asked: string[] }> {
  const asked: string[] = [];
  const client = {
    settings: { partBytes: 4 },
    send: async ({ method, query = {} }: { method: string; query?: Record<string, string> }) => {
      asked.push(method);
      const isFirst = "uploads" in query;
      const body = method === "POST" ? (isFirst ? answers.begun : answers.done) : "";
      const status = statusOf(method === "PUT" ? "part" : isFirst ? "begun" : "done");
      return { status, etag: "t", body };
    },
  } as unknown as S3Client;
  const content = { kind: "memory", bytes: Buffer.from("eight by") } as const;
  const { signal } = new AbortController();
  const { status } = await putObject(client, { key: "k", headers: {}, content, signal });
  return { status, asked };
}

test("whole answers are a message that is there", async () => {
  assert.deepEqual(await put({ begun, done }), { status: 200, asked: ["POST", "PUT", "PUT", "POST"] });
});

test("an answer to the beginning that is cut at any position begins nothing, and is no success", async () => {
  const end = begun.indexOf("</UploadId>") + "</UploadId>".length;
  for (let at = 0; at < end; at++)
    assert.deepEqual(await put({ begun: begun.slice(0, at), done }), { status: 500, asked: ["POST"] });
});

test("an answer to the end that is cut at any position is no success, and the parts are given up", async () => {
  for (let at = 0; at < done.trimEnd().length; at++) {
    const { status, asked } = await put({ begun, done: done.slice(0, at) });
    assert.deepEqual([status, asked.at(-1)], [500, "DELETE"]);
  }
});

test("a success of another kind in the midst of the parts is none of the message", async () => {
  for (const step of ["begun", "part", "done"] as const)
    for (const status of [201, 202, 204]) {
      const found = await put({ begun, done }, (at) => (at === step ? status : 200));
      assert.equal(found.status, 500, `${status} at ${step}`);
    }
});

test("any text in place of an answer is no success", async () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("<Error>", '<Error xmlns="x"><Code>a</Code></Error>', "<html>"),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (other, isAtEnd) => {
      const { status } = await put(isAtEnd ? { begun, done: other } : { begun: other, done });
      assert.equal(status, 500);
    }),
  );
});
