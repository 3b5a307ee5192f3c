/** What a script wants a notice to say in place of the usual words (pure). Made safe where it is written (dsn/report.ts). */

export interface NoticeWords {
  /** In place of the explanation, UTF-8; null for the usual one. */
  readonly content: string | null;
  /** In place of its whole part, with a header of its own: bytes, one character each; null for the usual one. */
  readonly part: string | null;
  /** More header fields, or another Subject: names and texts in ASCII. */
  readonly headers: readonly (readonly [name: string, text: string])[];
  /** In front of the Subject, ASCII. */
  readonly subjectPrefix: string;
  /** Display name of the From field as it stands there, ASCII; null for the usual one. */
  readonly fromName: string | null;
  /** False: nothing of the message is returned. */
  readonly returnsOriginal: boolean;
}
