/**
 * Value kinds shared by the custom resources, each bounded: without bounds the API server refuses a definition
 * for the estimated cost of its rules. `freeObject` and `quantity` carry marks that structural-schema.ts turns
 * into what a structural schema wants.
 */
import { isIP } from "node:net";
import { z } from "zod";

export const INT_OR_STRING = "x-kubernetes-int-or-string";
export const PRESERVE = "x-kubernetes-preserve-unknown-fields";

/** Name of an object in the same namespace. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a name in lower case");

/** A name that becomes part of other names: letters of a DNS label. */
export const label = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be lower-case letters, digits and hyphens");

export const port = z.int().min(1).max(65_535);

/** A resource quantity such as "500m", "10Gi" or 2. */
export const quantity = z
  .union([z.string().min(1).max(32), z.int()])
  .transform(String)
  .pipe(
    z
      .string()
      .regex(/^\d+(\.\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/, "must be a quantity such as 500m or 10Gi"),
  )
  .meta({ [INT_OR_STRING]: true, pattern: "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$" });

/** Whatever the file or the plugin that it ends in accepts; checked there. */
export const freeObject = z.record(z.string(), z.unknown()).meta({ [PRESERVE]: true });

export const stringMap = (maxKey: number, maxValue: number) =>
  z.record(z.string().min(1).max(maxKey), z.string().max(maxValue)).meta({ maxProperties: 32 });

export const annotationMap = stringMap(317, 4096);
export const labelMap = stringMap(317, 63);

/** A list whose items are told apart by one field, so that several writers can each own some. */
export function namedList<T extends z.ZodType>(
  item: T,
  options: { readonly key: string; readonly max: number },
): z.ZodArray<T> {
  return z
    .array(item)
    .max(options.max)
    .meta({
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": [options.key],
    });
}

/** An address, or a network such as 10.0.0.0/8: as isIP() and isCIDR() of the API server say. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return (
    bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}
