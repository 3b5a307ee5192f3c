/**
 * Sockets of scripts that leave from an address which nobody here has, in a network of their own: run within `unshare -n`, it
 * prints as JSON what scripts said and whom the servers saw. Any trouble ends it with a stack.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

import { loadNative } from "#mta/plugins/native.ts";
import { addonPath } from "./native-plugins.ts";
import { linesOf } from "./script-lines.ts";

const OURS_NOT = "192.0.2.77";
const seen: string[] = [];

execFileSync("ip", ["link", "set", "lo", "up"]);
const datagrams = createSocket("udp4", (_, from) => seen.push(`datagram from ${from.address}`));
datagrams.bind(0, "127.0.0.1");
await once(datagrams, "listening");
const server = createServer((socket) => {
  seen.push(`connection from ${socket.remoteAddress}`);
  socket.end("hello");
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const sockets = { bound: loadNative(addonPath).boundSocket };
const say = (text: string): Promise<string[]> => linesOf(text, { sockets });
const tcp = (server.address() as AddressInfo).port;
const said = await say(`
  $no = Socket("AF_INET", "SOCK_STREAM");
  $no->bind("${OURS_NOT}")->connect("127.0.0.1", ${tcp});
  echo $no->errno();
  $other = Socket("AF_INET6", "SOCK_STREAM");
  echo [$other->bind("${OURS_NOT}", 0, ["nonlocal" => true]), $other->errno()];
  $out = Socket("AF_INET", "SOCK_DGRAM")->bind("${OURS_NOT}", 0, ["nonlocal" => true])->connect("127.0.0.1", ${datagrams.address().port});
  echo $out->send("x");
  sleep(0.1);
`);
// What comes back has to find its way: the address becomes one of this network only now.
execFileSync("ip", ["route", "add", "local", `${OURS_NOT}/32`, "dev", "lo"]);
said.push(
  ...(await say(`
    $in = Socket("AF_INET", "SOCK_STREAM")->bind("${OURS_NOT}", 0, ["nonlocal" => true])->connect("127.0.0.1", ${tcp});
    $in->settimeout(5);
    echo $in->recv(5, "MSG_WAITALL") . "|" . $in->recv(1);
    $gone = Socket("AF_INET", "SOCK_STREAM")->bind("${OURS_NOT}", 0, ["nonlocal" => true]);
    echo [$gone->connect("127.0.0.1", 1), $gone->errno()];
  `)),
);
process.stdout.write(JSON.stringify({ said, seen }));
process.exit(0);
