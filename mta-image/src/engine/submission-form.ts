/**
 * The form of a request that brings mail (multipart/form-data, RFC 7578): a part `options`, then a part `rfc822`, each
 * perhaps with `.gzip` behind its name, and nothing else. All parts are read as the bytes that they are, with or without a
 * file name and whatever type they claim. Rejects with a BadRequest that says what is wrong, also when the request breaks off.
 */
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyMultipartBaseOptions, Multipart } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";

import { describe } from "#base/error.ts";

/** A request that is none. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What @fastify/multipart is registered with: fields would be cut at a size and decoded as text. Sizes are bounded unpacked. */
export const formRules: FastifyMultipartBaseOptions = {
  limits: { files: 3, parts: 3, headerPairs: 20, fileSize: Number.MAX_SAFE_INTEGER },
  isPartAFile: () => true,
};

type Bytes = AsyncIterable<Buffer>;
type PartName = "options" | "rfc822";
const OUT_OF_PLACE: Readonly<Record<PartName, string>> = {
  options: 'the part "options" comes twice',
  rfc822: 'the part "options" must come before "rfc822"',
};

/** To be read in this order, each part to its end before the next is asked for. */
export class SubmissionForm {
  readonly #parts: AsyncIterator<Multipart>;

  constructor(request: FastifyRequest) {
    if (!request.isMultipart()) throw new BadRequest(415, "the request must be multipart/form-data");
    this.#parts = request.parts()[Symbol.asyncIterator]();
  }

  /** Its bytes, unpacked. */
  async part(wanted: PartName): Promise<Bytes> {
    const part = await this.#next();
    if (part === null) throw new BadRequest(400, `the part "${wanted}" is missing`);
    const name = part.fieldname.replace(/\.gzip$/, "");
    if (name === wanted) return unpacked(part);
    throw new BadRequest(400, isName(name) ? OUT_OF_PLACE[name] : `there is no part "${part.fieldname}"`);
  }

  /** Nothing may follow: a second message would be dropped in silence. */
  async end(): Promise<void> {
    if ((await this.#next()) !== null) throw new BadRequest(400, 'nothing may come behind the part "rfc822"');
  }

  async #next(): Promise<(Multipart & { type: "file" }) | null> {
    try {
      const { value, done } = await this.#parts.next();
      if (done === true) return null;
      if (value.type === "file" && typeof value.fieldname === "string") return value;
    } catch (error) {
      throw unreadable(error);
    }
    throw new BadRequest(400, "a part has no name");
  }
}

function isName(name: string): name is PartName {
  return Object.hasOwn(OUT_OF_PLACE, name);
}

/** A request that breaks off ends the unpacking too, and the other way round. */
async function* unpacked({ file, fieldname }: Multipart & { type: "file" }): Bytes {
  const isPacked = fieldname.endsWith(".gzip");
  try {
    yield* (isPacked ? pipeline(file, createGunzip(), () => {}) : file) as Bytes;
  } catch (error) {
    const isGzip = (error as NodeJS.ErrnoException).code?.startsWith("Z_") === true;
    throw isGzip
      ? new BadRequest(400, `the part "${fieldname}" cannot be unpacked: ${describe(error)}`)
      : unreadable(error);
  }
}

/** The multipart reader gives a status with what it names; the rest are broken forms and broken connections. */
function unreadable(error: unknown): BadRequest {
  const { statusCode = 500 } = error as { statusCode?: number };
  return statusCode < 500
    ? new BadRequest(statusCode, describe(error))
    : new BadRequest(400, "the request ended early or is no multipart/form-data");
}
