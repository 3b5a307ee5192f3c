/** Where mail of a transport is put in place of being sent: an object store that speaks S3. */
export interface ObjectStoreSettings {
  /** Origin, such as https://s3.example.net:9000. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** In front of every key. */
  readonly prefix: string;
  readonly keyFile: string;
  readonly secretFile: string;
  /** Null: long-lived keys. */
  readonly tokenFile: string | null;
  /** Certificates to trust, PEM; null for the well-known authorities. */
  readonly caFile: string | null;
  /** Larger mail goes in parts of this size. */
  readonly partBytes: number;
  readonly connectMs: number;
  /** From the last byte of a request to its answer. */
  readonly answerMs: number;
  readonly maxConnections: number;
}
