/** What a script hears of DANE in an attempt, and of none at all, as it would print it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { toText } from "../script/convert.ts";
import type { HslArray } from "../script/value.ts";
import type { ReachedTlsa } from "../smtp/reached.ts";
import { attemptArguments } from "./attempt-tree.ts";

function tlsOf(tlsa: ReachedTlsa | null): string {
  const tree = attemptArguments(0, {
    outcome: {
      kind: "deferred",
      reply: "TLS failed",
      status: "4.7.5",
      remoteMta: "mx.example.net",
      trouble: "dane",
      via: {
        transactions: 0,
        reached: {
          id: "c1",
          host: "mx.example.net",
          remoteIp: "192.0.2.1",
          remotePort: 25,
          localIp: "",
          localPort: 0,
          helo: "mx.example.org",
          greeting: [],
          tls: null,
          tlsFailure: "validation-failure",
          tlsa,
        },
      },
    },
    isExpired: false,
    durationMs: 1,
    pluginReturn: undefined,
    localIpId: () => null,
    rules: null,
    foretell: () => null,
  });
  const at = (from: HslArray, key: string): HslArray => from.get(key) as HslArray;
  return toText(at(at(at(tree, "attempt"), "connection"), "tls"));
}

const record = { usage: 3, selector: 1, matching: 1, data: Buffer.from("A\xff", "latin1") };

test("records of DANE are digits with their numbers, and say why none of them names the certificate", () => {
  assert.equal(
    tlsOf({ records: [record, { ...record, usage: 2 }], refusal: "no record fits" }),
    '["started"=>false,"tlsrpt"=>"validation-failure","tlsa"=>["error"=>["temporary"=>true,"message"=>"no record fits"],"records"=>' +
      '[0=>["usage"=>3,"selector"=>1,"mtype"=>1,"data"=>"41ff"],1=>["usage"=>2,"selector"=>1,"mtype"=>1,"data"=>"41ff"]]]]',
  );
});

test("records that were met have no error, and where DANE has no word there is nothing", () => {
  assert.match(tlsOf({ records: [record], refusal: null }), /"tlsa"=>\["records"=>\[0=>\["usage"=>3/);
  assert.equal(tlsOf(null), '["started"=>false,"tlsrpt"=>"validation-failure"]');
});

test("of a recipient that a plugin gave back there is what it said, and an attempt that never was", () => {
  const tree = attemptArguments(2, {
    outcome: { kind: "deferred", reply: "A plugin gave it back", status: "4.7.0", remoteMta: "" },
    isExpired: false,
    durationMs: 0,
    pluginReturn: undefined,
    localIpId: () => null,
    rules: null,
    foretell: () => null,
    refusal: { pluginReturn: "not now" },
  });
  assert.equal(toText(tree.get("queue")), '["plugin"=>["return"=>"not now"]]');
  assert.equal(
    toText(tree.get("attempt")),
    '["error"=>["temporary"=>true,"message"=>"A plugin gave it back","type"=>"plugin"],"duration"=>0]',
  );
  assert.equal(tree.get("action"), "QUEUE");
});
