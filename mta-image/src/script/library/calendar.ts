/**
 * strftime and strptime over time zones; null is the process's own zone. Throws a Refusal for unknown zones, a BudgetError for
 * formats without end.
 */
import { BudgetError, Refusal } from "../error.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const two = (number: number, fill = "0"): string => String(number).padStart(2, fill);

/** Of a piece of a format, which takes more than a round of a loop. */
const STEPS = 50;

/** Date.UTC, which takes the years 0 to 99 for those of the twentieth century, for any year. */
function utcOf(
  year: number,
  month: number,
  day: number,
  [hour, minute, second]: readonly [number, number, number] = [0, 0, 0],
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.setUTCHours(hour, minute, second);
}

/** Made once: each reads the rules of its zone. */
const formats = new Map<string, Intl.DateTimeFormat>();
const MOST_FORMATS = 50;

/** Throws a RangeError for what is no zone. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= MOST_FORMATS) formats.clear();
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    era: "short",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, made);
  return made;
}

/** Seconds that local time is ahead of UTC. */
export function localOffset(time: number, zone: string | null): number {
  const ms = Math.floor(time) * 1000;
  if (zone === null) return -new Date(ms).getTimezoneOffset() * 60;
  if (zone.toUpperCase() === "UTC" || zone.toUpperCase() === "GMT") return 0;
  try {
    const parts = formatOf(zone).formatToParts(ms);
    const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
    // Before the year 1 came the first before it, which the calendar counts as 0.
    const isBefore = parts.some(({ type, value }) => type === "era" && value.startsWith("B"));
    const year = isBefore ? 1 - of("year") : of("year");
    return (utcOf(year, of("month") - 1, of("day"), [of("hour"), of("minute"), of("second")]) - ms) / 1000;
  } catch {
    throw new Refusal(`${zone} is no time zone`);
  }
}

/**
 * The time that clocks of a zone show, given as if they showed UTC. What they show twice is the earlier one; what they leave out counts on from
 * before the change, as in C.
 */
function utcOfLocal(shown: number, zone: string | null): number {
  const before = shown - localOffset(shown - 86_400, zone);
  if (localOffset(before, zone) === shown - before) return before;
  const after = shown - localOffset(shown + 86_400, zone);
  return localOffset(after, zone) === shown - after ? after : before;
}

function zoneText(offset: number, colon = ""): string {
  const minutes = Math.round(Math.abs(offset) / 60);
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${colon}${two(minutes % 60)}`;
}

export function formatTime(format: string, time: number, zone: string | null): string {
  if (!Number.isFinite(time) || Math.abs(time) > 8e12) throw new Refusal("the time is beyond the calendar");
  const offset = localOffset(time, zone);
  const date = new Date((Math.floor(time) + offset) * 1000);
  let size = 0;
  return format.replace(/%([A-Za-z%])/g, (all, letter: string) => {
    const text = conversion(letter, date, { time, offset, zone }) ?? all;
    meter.charge(STEPS);
    meter.allocate(text.length);
    size += text.length;
    if (size > MAX_STRING) throw new BudgetError("a string is too long");
    return text;
  });
}

interface When {
  readonly time: number;
  readonly offset: number;
  readonly zone: string | null;
}

const shorts: Readonly<Record<string, string>> = {
  F: "%Y-%m-%d",
  T: "%H:%M:%S",
  R: "%H:%M",
  D: "%m/%d/%y",
  c: "%a %b %e %H:%M:%S %Y",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
  r: "%I:%M:%S %p",
  h: "%b",
};

/** By letter; letters and the percent sign are all that a key can be. */
const conversions: Readonly<Record<string, (date: Date, when: When) => string | undefined>> = {
  Y: (date) => String(date.getUTCFullYear()),
  C: (date) => two(Math.floor(date.getUTCFullYear() / 100)),
  y: (date) => two(Math.abs(date.getUTCFullYear() % 100)),
  m: (date) => two(date.getUTCMonth() + 1),
  d: (date) => two(date.getUTCDate()),
  e: (date) => two(date.getUTCDate(), " "),
  H: (date) => two(date.getUTCHours()),
  I: (date) => two(date.getUTCHours() % 12 || 12),
  M: (date) => two(date.getUTCMinutes()),
  S: (date) => two(date.getUTCSeconds()),
  p: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  a: (date) => (DAYS[date.getUTCDay()] as string).slice(0, 3),
  A: (date) => DAYS[date.getUTCDay()],
  b: (date) => (MONTHS[date.getUTCMonth()] as string).slice(0, 3),
  B: (date) => MONTHS[date.getUTCMonth()],
  u: (date) => String(date.getUTCDay() || 7),
  w: (date) => String(date.getUTCDay()),
  j: (date) => String(dayOfYear(date) + 1).padStart(3, "0"),
  U: (date) => two(Math.floor((dayOfYear(date) + 7 - date.getUTCDay()) / 7)),
  W: (date) => two(Math.floor((dayOfYear(date) + 7 - ((date.getUTCDay() + 6) % 7)) / 7)),
  V: (date) => two(isoWeek(date).week),
  G: (date) => String(isoWeek(date).year),
  s: (_, when) => String(Math.floor(when.time)),
  z: (_, when) => zoneText(when.offset),
  Z: (_, when) => (when.offset === 0 ? "UTC" : (when.zone ?? zoneText(when.offset))),
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

function conversion(letter: string, date: Date, when: When): string | undefined {
  const short = shorts[letter];
  if (short === undefined) return conversions[letter]?.(date, when);
  return short.replace(/%([A-Za-z])/g, (all, inner: string) => conversion(inner, date, when) ?? all);
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - utcOf(date.getUTCFullYear(), 0, 1)) / 86_400_000);
}

function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * 86_400_000);
  return { year: thursday.getUTCFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

const numbers: Readonly<Record<string, readonly [field: string, digits: string]>> = {
  Y: ["year", "\\d{1,4}"],
  m: ["month", "\\d{1,2}"],
  d: ["day", "\\d{1,2}"],
  e: ["day", "\\d{1,2}"],
  H: ["hour", "\\d{1,2}"],
  I: ["hour", "\\d{1,2}"],
  M: ["minute", "\\d{1,2}"],
  S: ["second", "\\d{1,2}"],
  s: ["stamp", "-?\\d{1,13}"],
  y: ["short", "\\d{2}"],
  j: ["yearday", "\\d{1,3}"],
};

/** A letter of the format, white space, or a character that stands for itself. */
const PIECE = /%([A-Za-z%])|\s+|[\s\S]/g;
const readers: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    Object.entries(numbers).map(([letter, [, digits]]) => [letter, new RegExp(`\\s*(${digits})`, "y")]),
  ),
  z: /\s*(Z|[-+]\d{2}:?\d{2})/iy,
};
const WORD = /\s*([A-Za-z]+)/y;
const SPACE = /\s*/y;

/** Null when the text does not fit the format. Like C's, it never goes back: what a piece has read stays read. */
export function parseTime(text: string, format: string, zone: string | null): number | null {
  const fields = new Map<string, string>();
  const full = format.replace(/%([FTRDcxXrh])/g, (_, letter: string) => shorts[letter] as string);
  let at = readAt(SPACE, text, 0).end;
  for (const [part, letter] of full.matchAll(PIECE)) {
    meter.charge(STEPS);
    if (/^\s/.test(part)) {
      at = readAt(SPACE, text, at).end;
    } else if (letter === undefined || letter === "%") {
      if (!isSame(text[at++], letter ?? part)) return null;
    } else {
      const { found, end } = readAt(readers[letter] ?? WORD, text, at);
      if (found === undefined) return null;
      fields.set(numbers[letter]?.[0] ?? letter, found);
      at = end;
    }
  }
  return assemble(fields, zone);
}

function readAt(reader: RegExp, text: string, at: number): { found: string | undefined; end: number } {
  reader.lastIndex = at;
  const match = reader.exec(text);
  return { found: match?.[1], end: match === null ? at : reader.lastIndex };
}

function isSame(given: string | undefined, wanted: string): boolean {
  return given?.toLowerCase() === wanted.toLowerCase();
}

function assemble(fields: ReadonlyMap<string, string>, zone: string | null): number | null {
  const number = (name: string, fallback: number): number =>
    fields.has(name) ? Number(fields.get(name)) : fallback;
  if (fields.has("stamp")) return number("stamp", 0);
  const named = (fields.get("b") ?? fields.get("B") ?? fields.get("h"))?.slice(0, 3).toLowerCase();
  const month =
    named === undefined
      ? number("month", 1) - 1
      : MONTHS.findIndex((name) => name.toLowerCase().startsWith(named));
  const short = number("short", 70);
  const year = fields.has("short") ? short + (short < 69 ? 2000 : 1900) : number("year", 1970);
  const half = fields.get("p")?.toLowerCase();
  const hour = half === undefined ? number("hour", 0) : (number("hour", 0) % 12) + (half === "pm" ? 12 : 0);
  if (month < 0 || month > 11 || hour > 24) return null;
  const day = fields.has("yearday") ? number("yearday", 1) : number("day", 1);
  const clock = [hour, number("minute", 0), number("second", 0)] as const;
  const utc = utcOf(year, fields.has("yearday") ? 0 : month, day, clock) / 1000;
  const offset = fields.get("z");
  if (offset === undefined) return utcOfLocal(utc, zone);
  const digits = offset.replace(/\D/g, "");
  const seconds = digits === "" ? 0 : Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2)) * 60;
  return offset.startsWith("-") ? utc + seconds : utc - seconds;
}
