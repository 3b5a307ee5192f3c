/** Functions on numbers. What has no result in the real numbers is NaN, as the processor says it. */
import { type HostFunction, declare, optional, parameter } from "../host.ts";

const { number } = parameter;

const simple = (name: string, docs: string, run: (value: number) => number): HostFunction =>
  declare({ name, parameters: [number("number")], returns: "number", docs, run: (_, value) => run(value) });

export const mathFunctions: readonly HostFunction[] = [
  simple("abs", "The number without its sign.", Math.abs),
  simple("ceil", "The next whole number upwards.", Math.ceil),
  simple("floor", "The next whole number downwards.", Math.floor),
  simple("sqrt", "The square root.", Math.sqrt),
  declare({
    name: "log",
    parameters: [number("number"), optional(number("base"))],
    returns: "number",
    docs: "The logarithm, to the base e when none is given.",
    run: (_, value, base) => (base === undefined ? Math.log(value) : logarithm(value, base)),
  }),
  declare({
    name: "pow",
    parameters: [number("base"), number("exponent")],
    returns: "number",
    docs: "The base to the power of the exponent.",
    run: (_, base, exponent) => base ** exponent,
  }),
  declare({
    name: "round",
    parameters: [number("number"), optional(number("decimals"))],
    returns: "number",
    docs: "Rounded to whole numbers or to as many decimals as given; halves go away from zero.",
    run: (_, value, decimals) => round(value, Math.trunc(decimals ?? 0)),
  }),
];

function logarithm(value: number, base: number): number {
  if (base === 2) return Math.log2(value);
  return base === 10 ? Math.log10(value) : Math.log(value) / Math.log(base);
}

/** By decimal text, since 1.005 * 100 is not 100.5 in binary. */
function round(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return value;
  const size = Math.abs(value);
  const [digits, exponent = "0"] = String(size).split("e");
  const shifted = Math.round(Number(`${digits}e${Number(exponent) + decimals}`));
  const [back, backExponent = "0"] = String(shifted).split("e");
  const result = Number(`${back}e${Number(backExponent) - decimals}`);
  return Number.isFinite(result) ? Math.sign(value) * result + 0 : value;
}
