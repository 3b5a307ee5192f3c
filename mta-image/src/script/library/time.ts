/** Time. Clocks are handed in with the run; local time is that of the process's time zone. */
import { uptime } from "node:os";

import type { HslArray } from "../value.ts";
import { toText } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { meter } from "../meter.ts";
import { formatTime, localOffset, parseTime } from "./calendar.ts";
import { option } from "./subjects.ts";

const { string, number, array } = parameter;

export const timeFunctions: readonly HostFunction[] = [
  declare({
    name: "executiontime",
    parameters: [],
    returns: "number",
    docs: "Seconds since the script began.",
    run: ({ clock, begunMs }) => (clock.monotonic() - begunMs) / 1000,
  }),
  declare({
    name: "sleep",
    parameters: [number("seconds")],
    returns: "number",
    docs: "Waits, fractions of a second too; others go on meanwhile. Gives the seconds.",
    way: "promise",
    run: ({ clock, signal }, seconds) =>
      new Promise((resolve) => {
        const timer = clock.after(Math.max(0, seconds * 1000 || 0), () => resolve(seconds));
        signal.addEventListener("abort", () => timer.cancel(), { once: true });
      }),
  }),
  declare({
    name: "strftime",
    parameters: [string("format"), optional(number("time")), optional(array("options"))],
    returns: "string",
    docs: "The time, or now, written by the format of C's strftime. Options `local`: false for UTC; `timezone`: a name such as Europe/Berlin.",
    run: ({ clock }, format, time, options) => {
      meter.charge(format.length);
      return formatTime(format, time ?? clock.now() / 1000, zoneOf(options));
    },
  }),
  declare({
    name: "strptime",
    parameters: [string("datestring"), string("format"), optional(array("options"))],
    returns: "number or none",
    docs: "The time that a text says by the format of C's strptime; none when it does not fit. Options `local`: false for UTC; `timezone`: a name such as Europe/Berlin.",
    run: (_, text, format, options) => {
      meter.charge(text.length + format.length);
      return parseTime(text, format, zoneOf(options));
    },
  }),
  declare({
    name: "strpduration",
    parameters: [string("during")],
    returns: "number or none",
    docs: "Seconds of a duration such as 1d2h3m4s; none for what is none.",
    run: (_, text) => duration(text),
  }),
  declare({
    name: "time",
    parameters: [],
    returns: "number",
    docs: "Seconds since 1970 in UTC, with fractions.",
    run: ({ clock }) => clock.now() / 1000,
  }),
  declare({
    name: "timelocal",
    parameters: [],
    returns: "number",
    docs: "Seconds since 1970 with the offset of the time zone added.",
    run: ({ clock }) => clock.now() / 1000 + localOffset(clock.now() / 1000, null),
  }),
  declare({
    name: "uptime",
    parameters: [],
    returns: "number",
    docs: "Seconds since the system started, by a clock that nobody sets.",
    run: () => uptime(),
  }),
];

function zoneOf(options: HslArray | undefined): string | null {
  const zone = option(options, "timezone");
  if (zone !== null) return toText(zone);
  return option(options, "local") === false ? "UTC" : null;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** With room for blanks; a longer text is nobody's duration. */
const LONGEST_DURATION = 1_000;

function duration(text: string): number | null {
  if (text.length > LONGEST_DURATION) return null;
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?[wdhms]\s*)+$/.test(trimmed)) return null;
  return [...trimmed.matchAll(/(\d+(?:\.\d+)?)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit as string] as number),
    0,
  );
}
