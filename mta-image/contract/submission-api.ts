/** HTTP submission, `POST /v1/submission` (docs/http-submission.md): the part `options` and the answer. */
import { z } from "zod";

const Address = z.strictObject({
  localpart: z.string().max(1000),
  domain: z.string().max(255).nullable().default(null),
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
