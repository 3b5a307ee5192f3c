/**
 * A rule that the type alone cannot say, written twice side by side: as CEL for the API server and as a function
 * for the operator, which checks again what an older definition let in. `withRules` puts both on a schema; the
 * examples in testdata/ hold them to the same verdict. A message names the field and the way out.
 */
import type { z } from "zod";

export interface Rule<T> {
  readonly cel: string;
  readonly message: string;
  readonly holds: (value: T) => boolean;
}

/** A rule about the change from one value to the next; only the API server sees both. */
export interface TransitionRule {
  readonly cel: string;
  readonly message: string;
  /** Runs on creation too, where `oldSelf` is an optional without a value. */
  readonly onCreate?: boolean;
}

export const VALIDATIONS = "x-kubernetes-validations";

export function withRules<S extends z.ZodType>(
  schema: S,
  rules: readonly Rule<z.output<S>>[],
  transitions: readonly TransitionRule[] = [],
): S {
  const checked = rules.reduce<S>(
    (result, { holds, message }) => result.refine((value) => holds(value as z.output<S>), message) as S,
    schema,
  );
  return checked.meta({
    [VALIDATIONS]: [
      ...rules.map(({ cel, message }) => ({ rule: cel, message })),
      ...transitions.map(({ cel, message, onCreate = false }) => ({
        rule: cel,
        message,
        ...(onCreate ? { optionalOldSelf: true } : {}),
      })),
    ],
  }) as S;
}
