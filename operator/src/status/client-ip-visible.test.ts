import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { addressesOfNode } from "#operator/cache/node-addresses.ts";
import { newsOfClients } from "#operator/slots/client-addresses.ts";

import { aSlot, aSpec, anEngine } from "../../testing/builders.ts";
import { clientIpVisible } from "./client-ip-visible.ts";
import type { Judged } from "./judged.ts";

const NODES = new Set(["10.0.0.3", "10.0.0.4", "10.244.1.1"]);
const isNode = (address: string): boolean => NODES.has(address);

/** An engine whose last sessions came from there: { "10.0.0.3": 30 }. */
function engineWith(sessions: Readonly<Record<string, number>>) {
  const addresses = Object.entries(sessions).map(([address, count]) => ({ address, sessions: count }));
  const all = addresses.reduce((sum, each) => sum + each.sessions, 0);
  return anEngine({ clients: { sessions: all, addresses } });
}

function judge(
  pods: readonly Readonly<Record<string, number>>[],
  options: {
    before?: string;
    service?: Record<string, unknown>;
    isNodeAddress?: Judged["isNodeAddress"];
  } = {},
) {
  const { before, service = { type: "LoadBalancer" }, isNodeAddress = isNode } = options;
  const slots = pods.map((sessions, slot) => aSlot(slot, { pod: { engine: engineWith(sessions) } }));
  const judged = { slots, isNodeAddress, spec: aSpec({ service }) } as unknown as Judged;
  const { status, reason, message } = clientIpVisible(judged, before);
  return { verdict: `${status} ${reason}`, message };
}

const own = { "192.0.2.1": 10, "192.0.2.2": 10, "192.0.2.3": 10 };

describe("ClientIPVisible", () => {
  test("is true where clients have addresses of their own", () => {
    assert.equal(judge([own]).verdict, "True Visible");
    assert.equal(judge([{ ...own, "10.0.0.3": 20 }]).verdict, "True Visible");
  });

  test("is false where most come from nodes, over all pods, and names the way out", () => {
    const service = { type: "LoadBalancer", externalTrafficPolicy: "Cluster" };
    const hidden = judge([{ "10.0.0.3": 20 }, { "10.244.1.1": 20, ...own }], { service });
    assert.equal(hidden.verdict, "False NodeAddresses");
    assert.match(hidden.message, /set service\.externalTrafficPolicy: Local, or .*PROXY header/);
    const { message } = judge([{ "10.0.0.3": 20 }]);
    assert.doesNotMatch(message, /externalTrafficPolicy/, "it is Local already");
    assert.match(message, /listeners\[\]\.proxyProtocol/);
  });

  test("does not flap: what it says stands until the other bound is passed", () => {
    const third = { ...own, "10.0.0.3": 15 };
    assert.equal(judge([third]).verdict, "True Visible");
    assert.equal(judge([third], { before: "NodeAddresses" }).verdict, "False NodeAddresses");
    const fifth = { ...own, "10.0.0.3": 7 };
    assert.equal(judge([fifth], { before: "NodeAddresses" }).verdict, "True Visible");
  });

  test("cannot tell one client from something that hides all, and says so where strangers may come", () => {
    const one = { "192.0.2.1": 40 };
    assert.equal(judge([one]).verdict, "Unknown FewAddresses");
    assert.equal(judge([one], { service: { type: "ClusterIP" } }).verdict, "True Visible");
    assert.equal(judge([own], { before: "FewAddresses" }).verdict, "Unknown FewAddresses");
    const many = { ...own, "192.0.2.4": 1, "192.0.2.5": 1 };
    assert.equal(judge([many], { before: "FewAddresses" }).verdict, "True Visible");
  });

  test("is unknown while too few sessions tell, and stays what it was", () => {
    assert.equal(judge([{ "10.0.0.3": 19 }]).verdict, "Unknown FewSessions");
    assert.equal(judge([{}], { before: "NodeAddresses" }).verdict, "False NodeAddresses");
    assert.equal(judge([{}], { before: "NodesUnknown" }).verdict, "Unknown FewSessions");
  });

  test("is unknown where nodes are, and where engines do not tell", () => {
    const unknown = judge([own], { isNodeAddress: null });
    assert.equal(unknown.verdict, "Unknown NodesUnknown");
    assert.match(unknown.message, /nodeAccess/);
    const slots = [aSlot(0), aSlot(1, { pod: { engine: null } })];
    const judged = { slots, isNodeAddress: isNode, spec: aSpec() } as unknown as Judged;
    assert.equal(clientIpVisible(judged, undefined).reason, "FewSessions");
  });
});

describe("addresses of a node", () => {
  test("are its own, and those that bridges and tunnels take from its networks", () => {
    const node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "a" },
      spec: { podCIDRs: ["10.244.1.0/24", "fd00:1::/64", "?"] },
      status: {
        addresses: [
          { type: "InternalIP", address: "10.0.0.3" },
          { type: "Hostname", address: "a" },
        ],
      },
    };
    assert.deepEqual(addressesOfNode(node), [
      "10.0.0.3",
      "10.244.1.0",
      "10.244.1.1",
      "fd00:1::",
      "fd00:1::1",
    ]);
    assert.deepEqual(addressesOfNode({ apiVersion: "v1", kind: "Node", metadata: { name: "a" } }), []);
  });
});

describe("what an engine says of its clients", () => {
  test("is news when a bound is passed, and not with every session", () => {
    const news = (sessions: Record<string, number>): string => newsOfClients(engineWith(sessions), isNode);
    assert.equal(news({ "10.0.0.3": 3 }), news({}));
    assert.equal(news({ "10.0.0.3": 40 }), news({ "10.0.0.3": 30, "10.0.0.4": 34 }));
    assert.notEqual(news({ "10.0.0.3": 40 }), news(own));
    assert.notEqual(news({ "192.0.2.1": 40 }), news(own));
  });
});
