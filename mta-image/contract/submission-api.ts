/** HTTP submission, `POST /v1/submission` (docs/http-submission.md): the part `options` and the answer. */
import { z } from "zod";

/** Half of a surrogate pair has no UTF-8: it would go out as another letter. */
const text = (most: number) =>
  z
    .string()
    .max(most)
    .refine((value) => value.isWellFormed(), "is no Unicode text");

const Address = z.strictObject({
  localpart: text(1000),
  domain: text(255).nullable().default(null),
});

export const SubmissionOptions = z.strictObject({
  sender: Address.nullable().default(null).describe("Absent: the script at the end of data says."),
  recipients: z.array(Address).max(10_000).default([]),
  metadata: z.json().optional().describe('For the script: $arguments["metadata"].'),
});
export type SubmissionOptions = z.infer<typeof SubmissionOptions>;

export interface SubmissionAnswer {
  readonly result: {
    /** SMTP code; 250: the mail is on disk. */
    readonly code: number;
    readonly enhanced: readonly number[];
    readonly reason: readonly string[];
  };
  readonly transaction?: { readonly id: string };
  readonly metadata?: unknown;
}
