/** Connections that are read in turns from their first byte, over the real addon and real connections on loopback. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { constants } from "node:os";
import { before, test } from "node:test";

import { openBatch } from "../../testing/batched-sockets.ts";
import { until } from "../../testing/until.ts";
import { BatchedSocket } from "./batched-socket.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { type Listener, listenInTurns } from "./listener.ts";
import type { SocketBatch } from "./socket-batch.ts";

let batch: SocketBatch;
before(() => {
  batch = openBatch();
});

async function listening(
  onSocket: (socket: ByteSocket) => void,
  act: (listener: Listener) => Promise<void>,
  host = "127.0.0.1",
): Promise<void> {
  const taken = (socket: ByteSocket): void => {
    socket.on("error", () => {});
    onSocket(socket);
  };
  const listener = await listenInTurns({ kind: "tcp", host, port: 0, backlog: 511 }, taken, batch);
  await act(listener).finally(() => listener.close());
}

async function opened(port: number, host = "127.0.0.1"): Promise<Socket> {
  const client = connect({ port, host });
  client.on("error", () => {});
  await once(client, "connect");
  return client;
}

for (const host of ["127.0.0.1", "::1"])
  test(`a connection to ${host} is read in turns at once, and says who its two ends are`, () => {
    const taken: ByteSocket[] = [];
    const onSocket = (socket: ByteSocket): void => {
      taken.push(socket);
      socket.on("data", (chunk) => socket.write(chunk));
      socket.on("end", () => socket.end());
    };
    return listening(
      onSocket,
      async ({ port }) => {
        const client = await opened(port, host);
        const { localPort } = client;
        client.end("EHLO client.example.org\r\n");
        let got = "";
        for await (const chunk of client) got += (chunk as Buffer).toString();
        assert.equal(got, "EHLO client.example.org\r\n");
        const [served] = taken;
        assert.ok(served instanceof BatchedSocket);
        const ends = [served.remoteAddress, served.remotePort, served.localAddress, served.localPort];
        assert.deepEqual(ends, [host, localPort, host, port]);
      },
      host,
    );
  });

test("of many that come at once none is forgotten, also when some are gone before they are taken", () => {
  let greeted = 0;
  const onSocket = (socket: ByteSocket): void => {
    socket.write("220\r\n", "utf8");
    socket.on("end", () => socket.end());
  };
  return listening(onSocket, async ({ port }) => {
    const clients = Array.from({ length: 300 }, () => connect({ port, host: "127.0.0.1" }));
    for (const [i, client] of clients.entries()) {
      client.on("error", () => {});
      if (i % 3 === 0) client.once("connect", () => client.resetAndDestroy());
      else client.once("data", () => greeted++);
    }
    await until(
      () => greeted,
      (count) => count === 200,
    );
    for (const client of clients) client.destroy();
  });
});

test("when it is closed nobody is taken any more, and those that were taken go on", () => {
  const taken: ByteSocket[] = [];
  return listening(
    (socket) => taken.push(socket.on("data", (chunk: Buffer) => void socket.write(chunk)) as BatchedSocket),
    async (listener) => {
      const client = await opened(listener.port);
      await until(
        () => taken.length,
        (count) => count === 1,
      );
      await listener.close();
      const late = connect({ port: listener.port, host: "127.0.0.1" });
      const [refusal] = (await once(late, "error")) as [NodeJS.ErrnoException];
      assert.equal(refusal.code, "ECONNREFUSED");
      client.write("NOOP\r\n");
      assert.equal(String((await once(client, "data"))[0]), "NOOP\r\n");
      client.destroy();
      taken[0]?.destroy();
    },
  );
});

test("whoever closes it while it takes connections hears of no more", () => {
  const taken: ByteSocket[] = [];
  let listener: Listener | null = null;
  const onSocket = (socket: ByteSocket): void => {
    taken.push(socket);
    void listener?.close();
  };
  return listening(onSocket, async (open) => {
    listener = open;
    const clients = Array.from({ length: 20 }, () => connect({ port: open.port, host: "127.0.0.1" }));
    for (const client of clients) client.on("error", () => {});
    await until(
      () => taken.length + clients.filter(({ destroyed }) => destroyed).length,
      (count) => count >= clients.length,
    );
    assert.equal(taken.length, 1);
    for (const socket of [...clients, ...taken]) socket.destroy();
  });
});

/** May open so few descriptors that most clients find none left. */
const POOR_SERVER = `
  import { listenInTurns } from ${JSON.stringify(new URL("listener.ts", import.meta.url).href)};
  const { port } = await listenInTurns({ kind: "tcp", host: "127.0.0.1", port: 0, backlog: 511 }, (socket) => {
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.write("220\\r\\n");
  });
  console.log(port);
`;

test("without a descriptor left connections are closed, and when some are free again the next is served", async () => {
  const args = ["-c", 'ulimit -n 60 && exec "$0" --input-type=module -e "$1"', process.execPath, POOR_SERVER];
  const child = spawn("sh", args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const port = Number(String((await once(child.stdout, "data"))[0]));
    const heard = { greeted: 0, closed: 0 };
    const clients = Array.from({ length: 100 }, () => connect({ port, host: "127.0.0.1" }));
    for (const client of clients) {
      client.on("error", () => {});
      client.once("data", () => heard.greeted++);
      client.once("close", () => heard.closed++);
    }
    await until(
      () => heard.greeted + heard.closed,
      (count) => count === 100,
    );
    assert.ok(heard.greeted > 0 && heard.closed > 0, JSON.stringify(heard));
    for (const client of clients) client.destroy();
    await until(
      async () => {
        const client = connect({ port, host: "127.0.0.1" });
        client.on("error", () => {});
        const [first] = await Promise.race([once(client, "data"), once(client, "close")]);
        client.destroy();
        return String(first);
      },
      (first) => first === "220\r\n",
    );
  } finally {
    child.kill("SIGKILL");
  }
});

/** Has no descriptor left, and nobody comes. */
const FULL_SERVER = `
  import { openSync } from "node:fs";
  import { createServer } from "node:net";
  import { batchOfProcess } from ${JSON.stringify(new URL("socket-batch.ts", import.meta.url).href)};
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { addon } = batchOfProcess();
    const slot = addon.listen(server._handle.fd);
    try {
      for (;;) openSync("/");
    } catch (error) {
      process.stdout.write(error.code + " " + addon.accept(slot), () => process.exit());
    }
  });
`;

test("without a descriptor left it is told from a connection that was closed that none waits", async () => {
  const args = ["-c", 'ulimit -n 60 && exec "$0" --input-type=module -e "$1"', process.execPath, FULL_SERVER];
  const child = spawn("sh", args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const chunk of child.stdout) said += String(chunk);
  assert.equal(said, `EMFILE ${-constants.errno.EAGAIN}`);
});
