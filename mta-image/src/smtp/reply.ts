/**
 * Replies as values: what our server says, with an enhanced status code (RFC 2034, RFC 3463) and whether the
 * connection ends after it. A reply is formatted once and its bytes are kept, since most are said thousands
 * of times. Texts are ours: nothing a client sent is ever repeated in one.
 */

export interface Reply {
  readonly code: number;
  /** What goes on the wire, CRLF included. */
  readonly bytes: Buffer;
  /** The connection is closed once the bytes are written. */
  readonly hangUp: boolean;
}

/** Enhanced code "" leaves it out, as the greeting and the answers to HELO, EHLO and DATA must (RFC 2034 3). */
export function makeReply(
  code: number,
  enhanced: string,
  text: string | readonly string[],
  options: { hangUp?: boolean } = {},
): Reply {
  const lines = typeof text === "string" ? [text] : text;
  const prefix = enhanced === "" ? "" : `${enhanced} `;
  const last = lines.length - 1;
  const wire = lines.map((line, i) => `${code}${i === last ? " " : "-"}${prefix}${line}\r\n`).join("");
  return { code, bytes: Buffer.from(wire, "latin1"), hangUp: options.hangUp ?? false };
}

/** Every fixed answer of the server, in one place, by what happened. */
export const replies = {
  ok: makeReply(250, "2.0.0", "Ok"),
  mailOk: makeReply(250, "2.1.0", "Sender ok"),
  /** RFC 6710 4.1, X.3.6. */
  priorityChanged: makeReply(250, "2.3.6", "Sender ok, priority is 0: only those who log in are urgent"),
  rcptOk: makeReply(250, "2.1.5", "Recipient ok"),
  sendData: makeReply(354, "", "End data with <CR><LF>.<CR><LF>"),
  chunkOk: makeReply(250, "2.0.0", "Chunk ok"),
  bye: makeReply(221, "2.0.0", "Bye", { hangUp: true }),
  cannotVerify: makeReply(252, "2.5.2", "Cannot verify a user, send mail to find out"),
  help: makeReply(214, "2.0.0", "See RFC 5321"),
  startTls: makeReply(220, "2.0.0", "Ready to start TLS"),

  tooManyConnections: makeReply(421, "4.7.0", "Too many connections", { hangUp: true }),
  notTakingMail: makeReply(421, "4.3.2", "Not taking mail now, try another host", { hangUp: true }),
  shuttingDown: makeReply(421, "4.3.2", "Shutting down", { hangUp: true }),
  timeout: makeReply(421, "4.4.2", "Timeout", { hangUp: true }),
  tooManyErrors: makeReply(421, "4.7.0", "Too many errors", { hangUp: true }),
  tooSlow: makeReply(421, "4.4.2", "Data comes too slowly", { hangUp: true }),
  notSmtp: makeReply(421, "4.7.0", "This is an SMTP server", { hangUp: true }),
  inputTooLong: makeReply(421, "4.7.0", "Input without line end", { hangUp: true }),

  /** Content of unknown length follows, which must not run as commands. */
  badChunk: makeReply(501, "5.5.4", "Syntax: BDAT size [LAST]", { hangUp: true }),
  chunkChanged: makeReply(451, "4.3.0", "A chunk stays one of its size, and nothing else becomes one"),
  commandTurned: makeReply(
    451,
    "4.3.0",
    "DATA, STARTTLS, AUTH and XCLIENT stay what they are, and nothing else becomes one",
  ),
  lineTooLong: makeReply(500, "5.5.2", "Line too long"),
  badLineEnd: makeReply(500, "5.5.2", "Lines end in CRLF; a bare CR or LF and NUL are not allowed"),
  unknownCommand: makeReply(500, "5.5.1", "Command not recognised"),
  notImplemented: makeReply(502, "5.5.1", "Command not implemented"),
  noParameters: makeReply(501, "5.5.4", "This command takes no parameters"),
  needsName: makeReply(501, "5.5.4", "A host name or address literal is needed"),
  badSender: makeReply(501, "5.1.7", "Syntax: MAIL FROM:<address>"),
  badRecipient: makeReply(501, "5.1.3", "Syntax: RCPT TO:<address>"),
  badParameter: makeReply(501, "5.5.4", "Invalid parameter value"),
  notTrusted: makeReply(550, "5.7.0", "Not one of those who may speak for others"),
  holdTooLong: makeReply(501, "5.5.4", "Mail is held for at most 30 days"),
  duplicateParameter: makeReply(501, "5.5.4", "Parameter given twice"),
  unknownParameter: makeReply(555, "5.5.4", "Parameter not recognised"),
  needsSmtpUtf8: makeReply(553, "5.6.7", "Address needs the SMTPUTF8 parameter"),
  helloFirst: makeReply(503, "5.5.1", "Send EHLO or HELO first"),
  mailFirst: makeReply(503, "5.5.1", "Send MAIL first"),
  rcptFirst: makeReply(503, "5.5.1", "Send RCPT first"),
  nestedMail: makeReply(503, "5.5.1", "MAIL was given already"),
  inChunks: makeReply(503, "5.5.1", "Only BDAT or RSET may follow BDAT"),
  authOk: makeReply(235, "2.7.0", "Authenticated"),
  loginFirst: makeReply(530, "5.7.0", "Authentication is required"),
  loginBarred: makeReply(454, "4.7.0", "Too many failed logins, try again later"),
  authFailed: makeReply(535, "5.7.8", "Login or password is wrong"),
  tooManyLogins: makeReply(421, "4.7.0", "Too many wrong passwords", { hangUp: true }),
  authNotNow: makeReply(503, "5.5.1", "AUTH is not possible now"),
  authNotNowKnown: makeReply(454, "4.7.0", "Passwords cannot be checked now"),
  authNeedsTls: makeReply(538, "5.7.11", "Only within TLS"),
  authCancelled: makeReply(501, "5.7.0", "Cancelled"),
  badBase64: makeReply(501, "5.5.2", "Not a valid answer"),
  unknownMechanism: makeReply(504, "5.5.4", "Mechanism not known"),
  needsTls: makeReply(530, "5.7.0", "Only within TLS"),
  noTls: makeReply(502, "5.5.1", "TLS is not available"),
  alreadyTls: makeReply(503, "5.5.1", "TLS is in use already"),
  tooLarge: makeReply(552, "5.3.4", "Message exceeds the size limit"),
  tooManyRecipients: makeReply(452, "4.5.3", "Too many recipients, send the rest in another transaction"),
  relayDenied: makeReply(554, "5.7.1", "Relaying denied"),
  noPostmaster: makeReply(550, "5.1.1", "No such user here"),
  earlyTalker: makeReply(554, "5.5.1", "The server speaks first", { hangUp: true }),
  impatient: makeReply(554, "5.5.0", "Data sent before it was asked for", { hangUp: true }),
  badContent: makeReply(550, "5.6.0", "Message holds a bare CR, a bare LF or NUL; lines end in CRLF"),
} as const;
