/**
 * Files among the values that a plugin is given, opened for the length of the call that hands them over: it duplicates their
 * descriptors, so none is open here while a plugin takes its time. Rejects when one cannot be opened, with a Refusal when
 * there are too many.
 */
import { Refusal } from "../script/error.ts";
import type { UnopenedFile, Wire } from "./native.ts";

/** As many as a run of a script may have open. */
const MOST_FILES = 64;

type Opened = Awaited<ReturnType<UnopenedFile["open"]>>;

/** What `call` gives, which has the values only until it comes back. */
export async function withOpened<T>(
  wires: readonly Wire[],
  call: (wires: readonly Wire[]) => T | Promise<T>,
): Promise<T> {
  if (!wires.some(hasUnopened)) return call(wires);
  const opened: Opened[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close();
  };
  let result: T | Promise<T>;
  try {
    result = call(await openIn(wires, opened));
  } catch (error) {
    await close();
    throw error;
  }
  // Both at once: what the plugin rejects with meanwhile must be heard.
  const [given] = await Promise.all([result, close()]);
  return given;
}

function hasUnopened(wire: Wire): boolean {
  if (wire === null || typeof wire !== "object") return false;
  return "kind" in wire ? wire.kind === "unopened" : wire.some(hasUnopened);
}

async function openIn(items: readonly Wire[], opened: Opened[]): Promise<readonly Wire[]> {
  const given: Wire[] = [];
  for (const item of items) {
    if (item === null || typeof item !== "object") given.push(item);
    else if (!("kind" in item)) given.push(await openIn(item, opened));
    else given.push(item.kind === "unopened" ? await openOne(item, opened) : item);
  }
  return given;
}

async function openOne(file: UnopenedFile, opened: Opened[]): Promise<Wire> {
  if (opened.length === MOST_FILES)
    throw new Refusal(`a plugin may be given ${MOST_FILES} large files at once`);
  const lent = await file.open();
  opened.push(lent);
  return { kind: "file", pieces: lent.pieces };
}
