/**
 * Undoes base64 and quoted-printable (RFC 2045 6) piece by piece. What is no code is passed over, as mail programs do.
 * Holds at most a few bytes between pieces. Never throws.
 */

export interface TransferDecoder {
  push(piece: Buffer): Buffer;
  /** What is left at the end of the part. */
  end(): Buffer;
}

const nothing = Buffer.alloc(0);

export function makeDecoder(encoding: "identity" | "base64" | "quoted-printable"): TransferDecoder {
  if (encoding === "base64") return new Base64Decoder();
  if (encoding === "quoted-printable") return new QuotedPrintableDecoder();
  return { push: (piece) => piece, end: () => nothing };
}

class Base64Decoder implements TransferDecoder {
  #rest = "";

  push(piece: Buffer): Buffer {
    const lines = piece.toString("latin1").replaceAll("\r\n", "");
    const text = this.#rest + (/[^A-Za-z0-9+/]/.test(lines) ? lines.replace(/[^A-Za-z0-9+/]+/g, "") : lines);
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    return Buffer.from(text.slice(0, whole), "base64");
  }

  end(): Buffer {
    return Buffer.from(this.#rest, "base64");
  }
}

class QuotedPrintableDecoder implements TransferDecoder {
  #rest = "";

  push(piece: Buffer): Buffer {
    const text = this.#rest + piece.toString("latin1");
    // A code may be cut: "=", "=4" or "=" with its line end.
    const mark = text.indexOf("=", text.length - 2);
    const end = mark === -1 ? text.length : mark;
    this.#rest = text.slice(end);
    return decode(text.slice(0, end));
  }

  end(): Buffer {
    return decode(this.#rest);
  }
}

function decode(text: string): Buffer {
  if (!text.includes("=")) return Buffer.from(text, "latin1");
  const plain = text
    .replace(/=[ \t]{0,64}\r?\n/g, "")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, "latin1");
}
