import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { type TestContext, afterEach, beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { sourceSettings } from "../config/source-addresses.ts";
import { makeProxyHeader } from "../net/proxy-header-writer.ts";
import { EgressServer } from "./egress-server.ts";
import { type EgressOptions, parseEgressOptions } from "./options.ts";

const OWN = "127.0.0.55";
let far: Server;
let farPort: number;
let onFar: (socket: Socket) => void;

beforeEach(async () => {
  onFar = (socket) => socket.end("220 far\r\n");
  far = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onFar(socket);
  });
  far.listen(0, "127.0.0.1");
  await once(far, "listening");
  farPort = (far.address() as { port: number }).port;
});
afterEach(() => void far.close());

async function start(t: TestContext, ...flags: readonly string[]): Promise<EgressServer> {
  const standard = ["--listen", "127.0.0.1:0", "--client", "127.0.0.0/8", "--source", OWN];
  const open = ["--allow", "127.0.0.0/8", "--port", String(farPort)];
  const options = parseEgressOptions([...standard, ...open, ...flags]) as EgressOptions;
  const proxy = await EgressServer.start({
    ...options,
    name: "out.example.org",
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => proxy.stop(0));
  return proxy;
}

function dial(
  proxy: EgressServer,
  options: { readonly from?: string; readonly to?: string; readonly port?: number },
): Socket {
  const { from = OWN, to = "127.0.0.1", port = farPort } = options;
  const socket = plain(proxy);
  socket.write(makeProxyHeader({ ip: from, port: 0 }, { ip: to, port }));
  return socket;
}

function plain(proxy: EgressServer): Socket {
  const socket = connect({ host: "127.0.0.1", port: proxy.ports[0] ?? 0 });
  socket.on("error", () => {});
  return socket;
}

/** With an error or without. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

test("the engine's mail leaves from the address that it asks for", async (t) => {
  const host = await ScriptedHost.start();
  t.after(() => host.stop());
  const proxy = await start(t, "--port", String(host.port));
  const server = `127.0.0.1:${proxy.ports[0]}`;
  const settings = sourceSettings(
    [{ id: "a", address: OWN, weight: 1, proxy: { protocol: "proxy", server } }],
    ["a"],
  );
  const rig = new CourierRig(host.port, { settings });
  t.after(() => rig.courier.close(0));
  assert.deepEqual(await rig.deliver(), ["delivered 2.0.0 250 2.0.0 taken"]);
  assert.equal(host.lastPeer.replace("::ffff:", ""), OWN);
});

test("what cannot be reached is put off with the reason of the proxy", async (t) => {
  const proxy = await start(t, "--port", "9");
  const server = `127.0.0.1:${proxy.ports[0]}`;
  const settings = sourceSettings(
    [{ id: "a", address: OWN, weight: 1, proxy: { protocol: "proxy", server } }],
    ["a"],
  );
  const rig = new CourierRig(9, { settings });
  t.after(() => rig.courier.close(0));
  const [said = ""] = await rig.deliver();
  assert.match(
    said,
    /^deferred 4\.4\.1 421 4\.4\.1 out\.example\.org cannot connect from 127\.0\.0\.55 to 127\.0\.0\.1:9: .*ECONNREFUSED/,
  );
});

test("who asks for what is not open is told so, and nothing is connected to", async (t) => {
  onFar = () => assert.fail("it was connected to");
  const proxy = await start(t);
  const told = (options: Parameters<typeof dial>[1]): Promise<string> => text(dial(proxy, options));
  assert.match(
    await told({ from: "127.0.0.56" }),
    /^421 4\.4\.1 out\.example\.org 127\.0\.0\.56 is none of the addresses/,
  );
  assert.match(await told({ port: 22 }), /port 22 is not open/);
  for (const to of ["10.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "224.0.0.1"])
    assert.match(await told({ to }), / is a private or special address\r\n$/, to);
});

test("special addresses of IPv6 and those that hide one of IPv4 are not connected to", async (t) => {
  const proxy = await start(t, "--source", "::1");
  for (const to of ["::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "fe80::1", "fd00::1"])
    assert.match(await text(dial(proxy, { from: "::1", to })), / is a private or special address\r\n$/, to);
});

test("strangers, nonsense and looks whether it is there hear nothing", async (t) => {
  const closed = await start(t, "--client", "192.0.2.0/24");
  assert.equal(await text(dial(closed, {})), "220 far\r\n");
  const stranger = connect({ host: "127.0.0.1", port: (await strict(t)).ports[0] ?? 0 });
  stranger.on("error", () => {});
  stranger.write(makeProxyHeader({ ip: OWN, port: 0 }, { ip: "127.0.0.1", port: farPort }));
  assert.equal(await text(stranger).catch(() => ""), "");
  for (const bytes of [Buffer.from("EHLO me\r\n"), Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex")]) {
    const socket = plain(closed);
    socket.write(bytes);
    assert.equal(await text(socket).catch(() => ""), "");
  }
});

/** Takes nobody of this machine. */
async function strict(t: TestContext): Promise<EgressServer> {
  const options = parseEgressOptions([
    "--listen",
    "127.0.0.1:0",
    "--client",
    "192.0.2.0/24",
    "--source",
    OWN,
  ]);
  const proxy = await EgressServer.start({
    ...(options as EgressOptions),
    name: "out",
    clock: systemClock,
    log: silentLog,
  });
  t.after(() => proxy.stop(0));
  return proxy;
}

test("all bytes go both ways, behind the header and after one side has ended", async (t) => {
  const big = Buffer.alloc(5_000_000, "mail");
  onFar = (socket) => {
    const came: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => came.push(chunk)).once("end", () => socket.end(Buffer.concat(came)));
  };
  const socket = dial(await start(t), {});
  socket.end(big);
  const back = await buffer(socket);
  assert.equal(back.length, big.length);
  assert.ok(back.equals(big));
});

test("a far side that breaks off is seen by the agent, and an agent that does by the far side", async (t) => {
  const proxy = await start(t);
  onFar = (socket) => socket.once("data", () => socket.resetAndDestroy());
  const cut = dial(proxy, {});
  cut.write("EHLO me\r\n");
  await closed(cut);
  const met = new Promise<Socket>((resolve) => (onFar = resolve));
  const agent = dial(proxy, {}).resume();
  const farEnd = await met;
  const gone = closed(farEnd);
  farEnd.resume();
  agent.resetAndDestroy();
  await gone;
  while (proxy.connections > 0) await wait(5);
});

test("there are as many connections at once as are allowed", async (t) => {
  const proxy = await start(t, "--connections", "1");
  const first = plain(proxy);
  while (proxy.connections === 0) await wait(5);
  assert.equal(await text(dial(proxy, {})).catch(() => ""), "");
  first.destroy();
  while (proxy.connections > 0) await wait(5);
  assert.equal(await text(dial(proxy, {})), "220 far\r\n");
});

test("who is there when it ends may finish; who does not is cut", async (t) => {
  const proxy = await start(t);
  onFar = (socket) => socket.once("data", () => socket.end("bye"));
  const met = once(far, "connection");
  const socket = dial(proxy, {});
  await met;
  const stopped = proxy.stop(10_000);
  socket.end("last words");
  assert.equal(await text(socket), "bye");
  await stopped;
  assert.equal(proxy.connections, 0);

  const other = await start(t);
  const silent = plain(other).resume();
  while (other.connections === 0) await wait(5);
  await Promise.all([closed(silent), other.stop(0)]);
});

test("the program says when it listens and ends in order", async () => {
  const program = new URL("../../bin/mailfleet-egress", import.meta.url).pathname;
  const args = ["--listen", "127.0.0.1:0", "--client", "127.0.0.0/8", "--source", OWN];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  assert.match(line.toString(), /"egress-ready"/);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});
