/**
 * Mail from elsewhere than SMTP, with every line end as CRLF: bare CR and bare LF become one each (RFC 5321 2.3.8), so
 * that nothing in it can end the data early on its way on. Works piece by piece.
 */
export class Crlf {
  #endedInCr = false;

  push(chunk: Buffer): Buffer {
    const text = (this.#endedInCr ? "\r" : "") + chunk.toString("latin1");
    this.#endedInCr = text.endsWith("\r");
    const whole = this.#endedInCr ? text.slice(0, -1) : text;
    return /\r(?!\n)|(?<!\r)\n/.test(whole)
      ? Buffer.from(whole.replace(/\r\n|\r|\n/g, "\r\n"), "latin1")
      : Buffer.from(whole, "latin1");
  }

  /** What a CR at the very end becomes. */
  end(): Buffer {
    const rest = this.#endedInCr ? "\r\n" : "";
    this.#endedInCr = false;
    return Buffer.from(rest);
  }
}
