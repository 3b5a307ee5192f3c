import assert from "node:assert/strict";
import { test } from "node:test";

import { makeMessage } from "../../testing/messages.ts";
import { fillIn, wireOf } from "./plugin-arguments.ts";
import { nativeMessage } from "./plugin-doorkeeper.ts";

const mail = makeMessage({ id: "m1", recipients: ["a@a.net", '"x/../?y"@a.net'] });
const facts = {
  transportid: "out",
  localip: "",
  remoteip: "",
  remotemx: "",
  recipientdomain: "a.net",
  jobid: "",
  grouping: "",
  tenantid: "",
};
const message = nativeMessage({ message: mail, recipient: 1, facts });

test("values of YAML become values of scripts, in their order", () => {
  assert.deepEqual(wireOf({ b: [1, "é", null], a: { deep: true } }), [
    "b",
    [0, 1, 1, "\u00c3\u00a9", 2, null],
    "a",
    ["deep", true],
  ]);
});

test("facts of the message stand where they are asked for, and no address reaches beyond its place", () => {
  const args = wireOf({
    url: "https://s3/{recipientdomain}/{transactionid}-{queueid}/{recipient}.eml",
    n: 1,
  });
  assert.deepEqual(fillIn(args, { message, envelope: mail.envelope, index: 1 }), [
    "url",
    `https://s3/a.net/m1-2/${encodeURIComponent('"x/../?y"@a.net')}.eml`,
    "n",
    1,
  ]);
});

test("of a transaction that scripts saw plugins see its id, and the number that the recipient has in it", () => {
  const marks = { transaction: "t1", first: 5 };
  const ofScripts = makeMessage({ recipients: ["a@a.net", "b@a.net"], envelope: { marks } });
  const seen = nativeMessage({ message: ofScripts, recipient: 1, facts });
  assert.deepEqual([seen.transactionid, seen.queueid], ["t1", 6]);
});

test("what is no known place stays as it is", () => {
  assert.equal(
    fillIn("{x} {{sender}", { message, envelope: mail.envelope, index: 0 }),
    "{x} {news%40example.org",
  );
});
