/** Words behind an address of MAIL or RCPT (RFC 5321 4.1.2) by name in upper case; "" has no value. */
export type SaidParameters = Readonly<Record<string, string>>;
