/** What a script wants a notice to say in place of the usual words (pure). Made safe where it is written (dsn/report.ts). */

export interface NoticeWords {
  /** In place of the explanation, UTF-8; null for the usual one. */
  readonly content: string | null;
  /** More header fields, or another Subject: names and texts in ASCII. */
  readonly headers: readonly (readonly [name: string, text: string])[];
}
