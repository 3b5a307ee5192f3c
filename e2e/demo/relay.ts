/**
 * Lets a browser on this machine reach a Service of the test cluster, whose network nobody reaches otherwise: listens on
 * loopback and hands each connection into the cluster's network namespace. Started by `show-web.ts`, outlives the demo,
 * and ends by itself when the cluster's network is gone. Prints its port.
 *
 *   node relay.ts NAMESPACE ADDRESS PORT
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";

const [namespace = "", address = "", port = ""] = process.argv.slice(2);
const network = `/run/netns/${namespace}`;

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const inside = spawn("nsenter", [`--net=${network}`, "socat", "-", `TCP:${address}:${port}`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const end = (): void => {
    socket.destroy();
    inside.kill();
  };
  for (const stream of [socket, inside.stdin, inside.stdout, inside]) stream.on("error", end);
  inside.once("close", () => socket.end());
  socket.once("close", () => inside.kill());
  socket.pipe(inside.stdin);
  inside.stdout.pipe(socket);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
setInterval(() => {
  if (!existsSync(network)) process.exit(0);
}, 2000);
