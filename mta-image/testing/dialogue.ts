/**
 * Runs a conversation from a text file against a server and reports the first line that differs.
 *
 *   C: what the client sends (CRLF is added); \r \n \0 \\ \xHH stand for bytes, and a line that ends in "\" gets
 *      no CRLF. Lines of C in a row leave in one packet.
 *   S: what the server must answer, whole line; "…" stands for anything inside it.
 *   S: <closed>   the server ends the connection here.
 *   # comment, and empty lines to breathe.
 */
import { type Socket, connect } from "node:net";

export interface Step {
  readonly kind: "client" | "server";
  readonly text: string;
  readonly line: number;
}

export function parseDialogue(text: string): Step[] {
  return text.split("\n").flatMap((content, i): Step[] => {
    const line = i + 1;
    if (content.trim() === "" || content.startsWith("#")) return [];
    const kind = content.startsWith("C:") ? "client" : content.startsWith("S:") ? "server" : null;
    if (kind === null) throw new Error(`line ${line}: neither C: nor S:`);
    return [{ kind, text: content.slice(2).replace(/^ /, ""), line }];
  });
}

/** The bytes that a client line stands for. */
export function clientBytes(text: string): Buffer {
  const isOpen = text.endsWith("\\") && !text.endsWith("\\\\");
  const body = isOpen ? text.slice(0, -1) : `${text}\\r\\n`;
  const named: Record<string, string> = { r: "\r", n: "\n", "0": "\0", "\\": "\\" };
  const latin1 = Buffer.from(body, "utf8").toString("latin1");
  const plain = latin1.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex?: string, name?: string) =>
    hex === undefined ? (named[name ?? ""] ?? `\\${name}`) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, "latin1");
}

/** Lines of one connection, in order; null once it has ended. */
export class Lines {
  readonly socket: Socket;
  #text = "";
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    const end = (): void => {
      this.#hasEnded = true;
      this.#wake();
    };
    socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  static async to(port: number): Promise<Lines> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Lines(socket);
  }

  async next(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.#hasEnded) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The next whole reply, all its lines. */
  async reply(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.next();
      if (line === null) return [...lines, "<closed>"].join("\n");
      lines.push(line);
      if (line[3] !== "-") return lines.join("\n");
    }
  }

  async ask(bytes: string | Buffer): Promise<string> {
    this.socket.write(typeof bytes === "string" ? Buffer.from(`${bytes}\r\n`, "utf8") : bytes);
    return this.reply();
  }
}

/** Throws with line number, expectation and what came when the server says something else. */
export async function runDialogue(text: string, port: number): Promise<void> {
  const lines = await Lines.to(port);
  let pending: Buffer[] = [];
  const flush = (): void => {
    if (pending.length > 0) lines.socket.write(Buffer.concat(pending));
    pending = [];
  };
  try {
    for (const step of parseDialogue(text)) {
      if (step.kind === "client") pending.push(clientBytes(step.text));
      else {
        flush();
        const got = (await lines.next()) ?? "<closed>";
        if (!fits(got, step.text))
          throw new Error(`line ${step.line}: expected "${step.text}", got "${got}"`);
      }
    }
    flush();
  } finally {
    lines.socket.destroy();
  }
}

function fits(got: string, pattern: string): boolean {
  const parts = pattern.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(got);
}
