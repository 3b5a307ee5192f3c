/**
 * A connection as a stream that begins with bytes that were read from it before. TLS needs it behind a PROXY header:
 * it reads from the socket's handle and would pass over what the socket holds. Ends and errors go both ways; back
 * pressure too.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** The socket itself when it holds nothing. */
export function withHeld(socket: Socket): Socket | Duplex {
  const held: unknown = socket.readableLength > 0 ? socket.read() : null;
  if (!Buffer.isBuffer(held)) return socket;
  const stream = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      socket.write(chunk, done);
    },
    final: (done) => {
      socket.end(done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  stream.push(held);
  socket.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) socket.pause();
  });
  socket.on("end", () => stream.push(null));
  socket.on("close", () => stream.destroy());
  stream.on("error", () => socket.destroy());
  return stream;
}
