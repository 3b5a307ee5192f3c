import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { withReceiver } from "../../testing/receiver.ts";
import { makeNetworks } from "../net/networks.ts";
import { RecentClients } from "./recent-clients.ts";

describe("the recent clients of an engine", () => {
  test("are those of the last sessions, the most frequent first", () => {
    const clients = new RecentClients();
    assert.deepEqual(clients.figures, { sessions: 0, addresses: [] });
    for (let i = 0; i < 100; i++) clients.note("192.0.2.1");
    for (let i = 0; i < 60; i++) clients.note(i % 3 === 0 ? "192.0.2.2" : "2001:db8::1");
    assert.deepEqual(clients.figures, {
      sessions: 64,
      addresses: [
        { address: "2001:db8::1", sessions: 40 },
        { address: "192.0.2.2", sessions: 20 },
        { address: "192.0.2.1", sessions: 4 },
      ],
    });
  });

  test("count a session once, when it brings mail, and one that only looks in not at all", () =>
    withReceiver({}, async (receiver) => {
      const { recentClients } = receiver;
      const looking = await receiver.connect();
      await looking.reply();
      await looking.ask("QUIT");
      assert.equal(recentClients.figures.sessions, 0);
      const client = await receiver.connect();
      await client.reply();
      await client.ask("EHLO client.example.org");
      for (let i = 0; i < 3; i++) {
        await client.ask("MAIL FROM:<a@example.org>");
        await client.ask("RSET");
      }
      assert.deepEqual(recentClients.figures, {
        sessions: 1,
        addresses: [{ address: "127.0.0.1", sessions: 1 }],
      });
      client.socket.destroy();
    }));

  test("are called as the proxy calls them, not by the proxy's address", () =>
    withReceiver({ settings: { proxyNetworks: makeNetworks(["127.0.0.0/8"]) } }, async (receiver) => {
      const client = await receiver.connect();
      client.socket.write("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n");
      await client.reply();
      await client.ask("EHLO client.example.org");
      await client.ask("MAIL FROM:<a@example.org>");
      const [first] = receiver.recentClients.figures.addresses;
      assert.equal(first?.address, "192.0.2.7");
      client.socket.destroy();
    }));

  test("leave processes of the same machine out, which have no address", () => {
    const clients = new RecentClients();
    clients.note("");
    assert.equal(clients.figures.sessions, 0);
  });
});
