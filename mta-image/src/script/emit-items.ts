/**
 * Reading, storing and appending items of lists, as JavaScript text that needs no call; whatever is no list, or not there, is
 * left to the helpers of access.ts. A place of its own for each in the emitted code lets V8 learn what that list holds. Pure.
 * All parts are names of variables or constants, for they stand in the text more than once.
 */
import { ITEMS_BLOCK } from "./limits.ts";

/** Where an item is looked for. `list` and `item` are free temporaries; `isNumber` says that the key need not be asked. */
export interface Place {
  readonly base: string;
  readonly key: string;
  readonly isNumber: boolean;
  readonly list: string;
}

/** A position that is no whole number within the list is undefined in JavaScript, too. */
export function readItem({ base, key, isNumber, list }: Place, item: string, otherwise: string): string {
  const check = isNumber ? "" : `typeof ${key}==="number"&&`;
  const found = `${base}!==null&&(${list}=${base}.list)!=null&&(${item}=${list}[${key}])!==undefined`;
  return `(${check}${found}?${item}:${otherwise})`;
}

export function storeItem({ base, key, isNumber, list }: Place, value: string, otherwise: string): string {
  const check = isNumber ? "" : `typeof ${key}==="number"&&`;
  const found = `${isOwn(base, list)}&&${list}[${key}]!==undefined`;
  return `${check}${found}?${list}[${key}]=${value}:${otherwise}`;
}

/** The first of each block of items is paid for elsewhere. */
export function appendItem(
  { base, list }: Pick<Place, "base" | "list">,
  value: string,
  otherwise: string,
): string {
  const hasRoom = `(${list}.length&${ITEMS_BLOCK - 1})!==0`;
  return `${isOwn(base, list)}&&${hasRoom}?${list}.push(${value}):${otherwise}`;
}

/** Whether it is a list that nobody else holds. */
function isOwn(base: string, list: string): string {
  return `${base}!==null&&${base}.shared===false&&(${list}=${base}.list)!=null`;
}
