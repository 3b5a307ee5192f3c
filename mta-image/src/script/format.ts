/**
 * `"%5.2f and %s" % [1, "x"]`: directives are `%[index]'c<>=^width.precision` and a conversion s, f, d, x, X, c, b;
 * `%%` is a percent sign. What is no directive stays as it is. Throws a Refusal for a missing argument, a BudgetError
 * for a result that is too long.
 */
import { BudgetError, Refusal } from "./error.ts";
import type { HslArray } from "./value.ts";
import { numberText, toNumber, toText } from "./convert.ts";
import { MAX_STRING } from "./limits.ts";
import { meter } from "./meter.ts";

const DIRECTIVE = /%(?:%|(?:\[(\d+)\])?(?:'([\s\S]))?([<>=^])?(0)?(\d+)?(?:\.(\d+))?([sfdxXcb]))/g;

export function format(pattern: string, args: HslArray): string {
  meter.charge(pattern.length >> 6);
  const values = args.values();
  let next = 0;
  let room = MAX_STRING;
  return pattern.replace(
    DIRECTIVE,
    (
      all,
      index?: string,
      fill?: string,
      align?: string,
      zero?: string,
      width?: string,
      precision?: string,
      as?: string,
    ) => {
      meter.charge(8);
      if (as === undefined) return "%";
      const at = index === undefined ? next : Number(index);
      next = at + 1;
      const value = values[at];
      if (value === undefined) throw new Refusal(`the format wants a value for ${all}, which is missing`);
      const digits = precision === undefined ? undefined : Number(precision);
      const text = conversions[as]?.(value, digits) ?? "";
      const size = Number(width ?? 0);
      room -= Math.max(size, text.length);
      if (room < 0) throw new BudgetError("a string is too long");
      meter.allocate(size);
      return pad(text, size, fill ?? (zero === undefined ? " " : "0"), align ?? defaultAlign(as, zero));
    },
  );
}

type Convert = (value: Parameters<typeof toText>[0], precision: number | undefined) => string;

const whole = (value: Parameters<typeof toText>[0], base: number): string => {
  const number = Math.trunc(toNumber(value));
  return Number.isFinite(number) ? BigInt(number).toString(base) : numberText(number);
};

/** toFixed() turns to exponents from 1e21 on, where a number has no decimals any more. */
function fixed(number: number, digits: number): string {
  if (Math.abs(number) < 1e21) return number.toFixed(digits);
  return `${BigInt(number)}${digits === 0 ? "" : `.${"0".repeat(digits)}`}`;
}

const conversions: Readonly<Record<string, Convert>> = {
  s: (value, precision) => toText(value).slice(0, precision),
  f: (value, precision) => {
    const number = toNumber(value);
    return Number.isFinite(number) ? fixed(number, Math.min(precision ?? 6, 100)) : numberText(number);
  },
  d: (value) => whole(value, 10),
  x: (value) => whole(value, 16),
  X: (value) => whole(value, 16).toUpperCase(),
  b: (value) => whole(value, 2),
  c: (value) => String.fromCharCode(Math.trunc(toNumber(value)) & 0xff),
};

function defaultAlign(conversion: string, zero: string | undefined): string {
  if (conversion === "s" || conversion === "c") return "<";
  return zero === undefined ? ">" : "=";
}

function pad(text: string, width: number, fill: string, align: string): string {
  if (text.length >= width) return text;
  const missing = width - text.length;
  if (align === "<") return text.padEnd(width, fill);
  if (align === "^") return text.padStart(text.length + (missing >> 1), fill).padEnd(width, fill);
  // "=" fills between sign and digits.
  if (align === "=" && /^[-+]/.test(text)) return text.slice(0, 1) + text.slice(1).padStart(width - 1, fill);
  return text.padStart(width, fill);
}
