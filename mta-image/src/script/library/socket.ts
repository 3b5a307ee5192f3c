/**
 * The class Socket: a connection or datagrams of a script's own. What fails gives none and leaves an errno. A socket
 * ends with the run that made it. Data from the other side waits in the kernel until the script asks for it.
 */
import { type Socket as Datagrams, createSocket } from "node:dgram";
import { type Socket as Stream, Socket as PlainStream, connect, isIP } from "node:net";
import { constants } from "node:os";

import type { Clock } from "#base/clock.ts";

import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import { type SocketPort, port } from "../ports.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { Inbox, type Wanted } from "./socket-inbox.ts";
import { flag } from "./subjects.ts";

const { string, number, array } = parameter;
const families = ["AF_INET", "AF_INET6", "AF_UNIX"] as const;
const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_RECV = 16 * 1024 * 1024;
const { ETIMEDOUT, ENOTCONN, EINVAL, EIO } = constants.errno;

interface Bound {
  readonly address: string;
  readonly port: number;
  /** Null where the address is one of this system. */
  readonly nonlocal: SocketPort | null;
}

export class ScriptSocket {
  readonly family: (typeof families)[number];
  readonly type: "SOCK_STREAM" | "SOCK_DGRAM";
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  inbox: Inbox | null = null;
  stream: Stream | null = null;
  #datagrams: Datagrams | null = null;
  #bound: Bound | null = null;
  timeoutMs = DEFAULT_TIMEOUT_MS;
  errno = 0;

  constructor(family: string, type: string, { signal, clock }: RunContext) {
    const known = families.find((one) => one === family);
    if (known === undefined || (type !== "SOCK_STREAM" && type !== "SOCK_DGRAM"))
      throw new Refusal("a socket is of AF_INET, AF_INET6 or AF_UNIX, and SOCK_STREAM or SOCK_DGRAM");
    if (known === "AF_UNIX" && type === "SOCK_DGRAM") throw new Refusal("datagrams have no AF_UNIX here");
    this.family = known;
    this.type = type;
    this.#signal = signal;
    this.#clock = clock;
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** Null: the address is one of this system. */
  bind(address: string, port: number, nonlocal: SocketPort | null): boolean {
    const isOurs = isIP(address) === (this.family === "AF_INET6" ? 6 : 4);
    const isPort = port >= 0 && port < 65_536;
    if (isIP(address) === 0 || !(nonlocal === null || (isOurs && isPort))) return this.fail(EINVAL);
    this.#bound = { address, port: Math.trunc(port), nonlocal };
    return true;
  }

  async connect(address: string, port: number): Promise<boolean> {
    if (this.family !== "AF_UNIX" && !(port > 0 && port < 65536)) return this.fail(EINVAL);
    return this.type === "SOCK_STREAM" ? this.#stream(address, port) : this.#datagram(address, port);
  }

  #stream(address: string, port: number): Promise<boolean> {
    const descriptor = this.#bindNonlocal(true);
    if (descriptor !== null && descriptor < 0) return Promise.resolve(this.fail(-descriptor));
    const stream = this.#open(address, port, descriptor);
    this.#end();
    this.stream = stream;
    this.inbox = new Inbox(stream);
    return this.within((done) => {
      stream.once("connect", () => done(true));
      stream.once("error", (error) => done(this.fail(error)));
    }, false);
  }

  /** `descriptor` is bound already. */
  #open(address: string, port: number, descriptor: number | null): Stream {
    if (this.family === "AF_UNIX") return connect({ path: address, allowHalfOpen: true });
    const place = { host: address, port, family: this.family === "AF_INET6" ? 6 : 4 };
    if (descriptor !== null) return new PlainStream({ fd: descriptor, allowHalfOpen: true }).connect(place);
    const bound = this.#bound;
    const local = bound === null ? {} : { localAddress: bound.address, localPort: bound.port };
    return connect({ ...place, allowHalfOpen: true, ...local });
  }

  /** A descriptor that the caller has to use, or minus an errno; null where none was asked for. A path has no such address. */
  #bindNonlocal(isStream: boolean): number | null {
    const bound = this.family === "AF_UNIX" ? null : this.#bound;
    return bound?.nonlocal?.bound(bound.address, bound.port, isStream) ?? null;
  }

  #datagram(address: string, port: number): Promise<boolean> {
    const bound = this.#bound;
    const descriptor = this.#bindNonlocal(false);
    if (descriptor !== null && descriptor < 0) return Promise.resolve(this.fail(-descriptor));
    const socket = createSocket(this.family === "AF_INET6" ? "udp6" : "udp4");
    this.#end();
    this.#datagrams = socket;
    this.inbox = Inbox.ofDatagrams(socket);
    return this.within((done) => {
      socket.once("error", (error) => done(this.fail(error)));
      // Node's types have no error for it, and Node gives one.
      const connected = (error?: Error): void => done(error === undefined ? true : this.fail(error));
      const go = (): void => socket.connect(port, address, connected);
      if (bound === null) go();
      else if (descriptor === null) socket.bind(bound.port, bound.address, go);
      else socket.bind({ fd: descriptor }, go);
    }, false);
  }

  send(data: string): Promise<number | null> {
    const bytes = Buffer.from(data, "latin1");
    const out = this.#datagrams ?? this.stream;
    if (out === null || out === undefined) return Promise.resolve(this.none(ENOTCONN));
    return this.within<number | null>((done) => {
      const sent = (error?: Error | null): void => done(error ? this.none(error) : bytes.length);
      if (this.#datagrams !== null) this.#datagrams.send(bytes, sent);
      else this.stream?.write(bytes, sent);
    }, null);
  }

  recv(wanted: Wanted): Promise<string | null> {
    const { length } = wanted;
    if (!(length > 0 && length <= MAX_RECV)) throw new Refusal(`recv() gives 1 to ${MAX_RECV} bytes`);
    const { inbox } = this;
    if (inbox === null) return Promise.resolve(this.none(ENOTCONN));
    return this.within<string | null>((done) => {
      inbox.take({ ...wanted, length: Math.trunc(length) }, (bytes, error) =>
        done(error === null ? (bytes?.toString("latin1") ?? "") : this.none(error)),
      );
    }, null);
  }

  /** Of the connection, which the event loop goes on to read; null before there is one. */
  get descriptor(): number | null {
    const { _handle: handle } = (this.#datagrams ?? this.stream ?? {}) as { _handle?: { fd: number } | null };
    return handle === undefined || handle === null || handle.fd < 0 ? null : handle.fd;
  }

  shutdown(how: string): boolean {
    if (this.stream === null) return this.fail(ENOTCONN);
    if (how === "SHUT_WR" || how === "SHUT_RDWR") this.stream.end();
    if (how === "SHUT_RD" || how === "SHUT_RDWR") this.inbox?.close();
    return true;
  }

  close(): void {
    this.#end();
    this.stream = null;
    this.#datagrams = null;
    this.inbox = null;
  }

  #end(): void {
    this.inbox?.close();
    this.stream?.destroy();
    try {
      this.#datagrams?.close();
    } catch {
      // It was closed already.
    }
  }

  /** Waits for `done`; after the timeout it is `otherwise`, with its errno. */
  within<T>(start: (done: (value: T) => void) => void, otherwise: T): Promise<T> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(this.timeoutMs, () => {
        this.errno = ETIMEDOUT;
        this.inbox?.forget();
        resolve(otherwise);
      });
      start((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  fail(error: Error | number): false {
    this.errno = typeof error === "number" ? error : errnoOf(error);
    return false;
  }

  none(error: Error | number): null {
    this.fail(error);
    return null;
  }
}

function errnoOf(error: NodeJS.ErrnoException): number {
  const codes: Readonly<Record<string, number>> = constants.errno;
  return codes[error.code ?? ""] ?? EIO;
}

const flagsParameter = parameter.of<string | HslArray>("flags", "array or string", (value) =>
  typeof value === "string" || value instanceof HslArray ? value : undefined,
);
const flagNames: ReadonlySet<string> = new Set(["MSG_PEEK", "MSG_WAITALL", "MSG_DONTWAIT"]);

function wantedOf(length: number, flags: string | HslArray | undefined): Wanted {
  const names = new Set((typeof flags === "string" ? [flags] : (flags?.values() ?? [])).map(toText));
  for (const name of names) if (!flagNames.has(name)) throw new Refusal(`recv() has no flag ${name}`);
  return {
    length,
    isPeek: names.has("MSG_PEEK"),
    isAll: names.has("MSG_WAITALL"),
    isPatient: !names.has("MSG_DONTWAIT"),
  };
}

const self = parameter.object("self", "Socket", (object) =>
  object.state instanceof ScriptSocket ? { object, socket: object.state } : undefined,
);

const method = methodsOf(self);

export const socketClass: HostClass = makeClass("Socket", "A connection or datagrams of the script's own.", {
  construct: declare({
    name: "Socket",
    parameters: [string("family"), string("type")],
    returns: "Socket",
    docs: "AF_INET, AF_INET6 or AF_UNIX; SOCK_STREAM or SOCK_DGRAM. It is closed when the run ends.",
    run: (context, family, type): Value =>
      new HostObject(socketClass, new ScriptSocket(family, type, context)),
  }),
  methods: [
    declare({
      ...method(
        "bind",
        [string("address"), optional(number("port")), optional(array("options"))],
        "Socket or none",
        "Chooses the own address of what is connected later. Option `nonlocal` (false): one that this system need not have.",
      ),
      run: (context, { socket, object }, address, number, options): Value => {
        const nonlocal = flag(options, "nonlocal") ? port(context, "sockets") : null;
        return socket.bind(address, number ?? 0, nonlocal) ? object : null;
      },
    }),
    declare({
      ...method(
        "connect",
        [string("address"), optional(number("port"))],
        "Socket or none",
        "Connects to an address and port, or the path of a UNIX socket.",
      ),
      way: "promise",
      run: async (_, { socket, object }, address, port): Promise<Value> =>
        (await socket.connect(address, port ?? 0)) ? object : null,
    }),
    declare({
      ...method(
        "send",
        [string("data")],
        "number or none",
        "Sends everything; says how many bytes that were.",
      ),
      way: "promise",
      run: (_, { socket }, data) => socket.send(data),
    }),
    declare({
      ...method(
        "recv",
        [number("length"), optional(flagsParameter)],
        "string or none",
        'Up to so many bytes, as soon as there are any; "" at the end. Flags, a name or a list: MSG_PEEK leaves them there, MSG_WAITALL waits for so many, MSG_DONTWAIT for none (then none, and errno EAGAIN).',
      ),
      way: "promise",
      run: (_, { socket }, length, flags) => socket.recv(wantedOf(length, flags)),
    }),
    declare({
      ...method(
        "settimeout",
        [number("timeout")],
        "Socket",
        "Seconds that each call may wait; 60 unless set.",
      ),
      run: (_, { socket, object }, seconds): Value => {
        socket.timeoutMs = Math.max(seconds, 0) * 1000;
        return object;
      },
    }),
    declare({
      ...method(
        "shutdown",
        [string("how")],
        "Socket or none",
        "Ends a direction: SHUT_RD, SHUT_WR or SHUT_RDWR.",
      ),
      run: (_, { socket, object }, how): Value => (socket.shutdown(how) ? object : null),
    }),
    declare({
      ...method("close", [], "Socket", "Closes it."),
      run: (_, { socket, object }): Value => {
        socket.close();
        return object;
      },
    }),
    declare({
      ...method(
        "toFFIValue",
        [],
        "FFIValue or none",
        "The file descriptor of the connection, for C functions, which must not read from it: this side does.",
      ),
      run: (context, { socket }) => {
        const { descriptor } = socket;
        return descriptor === null ? null : port(context, "foreign").descriptor(descriptor);
      },
    }),
    declare({
      ...method("errno", [], "number", "The error of the last call that failed, as in errno.h."),
      run: (_, { socket }) => socket.errno,
    }),
  ],
  statics: [
    declare({
      name: "AF",
      parameters: [string("address")],
      returns: "string or none",
      docs: "AF_INET or AF_INET6 for an IP address, none for others.",
      run: (_, address) => ({ 4: "AF_INET", 6: "AF_INET6" })[isIP(address)] ?? null,
    }),
  ],
});
