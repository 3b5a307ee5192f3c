/**
 * All functions and classes that every script has. What they reach outside comes through ports (ports.ts); rooms that
 * know more add theirs with mergeHosts (host.ts).
 */
import { exceptionClass } from "../exception.ts";
import { type Host, type HostFunction, makeHost } from "../host.ts";
import { regexClass } from "../regex.ts";
import { aliasFunctions } from "./aliases.ts";
import { arrayFunctions } from "./array.ts";
import { cmsFunctions } from "./cms.ts";
import { mapClass, setClass } from "./collections.ts";
import { cryptoFunctions } from "./crypto.ts";
import { csvFunctions } from "./csv.ts";
import { dnsFunctions } from "./dns.ts";
import { encodingFunctions } from "./encoding.ts";
import { fileClass } from "./file.ts";
import { hashFunctions } from "./hash.ts";
import { httpFunctions } from "./http.ts";
import { iconvClass } from "./iconv.ts";
import { jsonFunctions } from "./json.ts";
import { keyClasses } from "./keys.ts";
import { ldapClass, ldapResultClass } from "./ldap.ts";
import { ldapFunctions } from "./ldap-profile.ts";
import { mailFunctions } from "./mail.ts";
import { mailMessageClass } from "./mail-message.ts";
import { mathFunctions } from "./math.ts";
import { memoryFunctions } from "./memory.ts";
import { mimeClass } from "./mime.ts";
import { mimePartClass } from "./mime-part.ts";
import { networkFunctions } from "./network.ts";
import { packFunctions } from "./pack.ts";
import { queueFunctions } from "./queue.ts";
import { regexFunctions } from "./regex.ts";
import { smtpFunctions } from "./smtp.ts";
import { socketClass } from "./socket.ts";
import { stringFunctions } from "./string.ts";
import { systemFunctions } from "./system.ts";
import { tlsSocketClass } from "./tls-socket.ts";
import { timeFunctions } from "./time.ts";
import { typeFunctions } from "./type.ts";
import { x509Class, x509ResourceClass } from "./x509.ts";
import { x509CrlClass, x509CrlResourceClass } from "./x509-crl.ts";
import { yamlFunctions } from "./yaml.ts";

/** By heading, in the order of the reference. */
export const librarySections: Readonly<Record<string, readonly HostFunction[]>> = {
  Types: typeFunctions,
  Strings: stringFunctions,
  Arrays: arrayFunctions,
  "Regular expressions": regexFunctions,
  Math: mathFunctions,
  Time: timeFunctions,
  Encoding: [...encodingFunctions, ...jsonFunctions, ...csvFunctions, ...yamlFunctions, ...packFunctions],
  "Digests, ciphers and chance": [...hashFunctions, ...cryptoFunctions],
  "S/MIME": cmsFunctions,
  "Addresses and domains": networkFunctions,
  "DNS and HTTP": [...dnsFunctions, ...httpFunctions],
  Mail: [...mailFunctions, ...smtpFunctions],
  Directories: ldapFunctions,
  "Queue and figures": queueFunctions,
  "Shared memory": memoryFunctions,
  System: systemFunctions,
  "Old names": aliasFunctions,
};

export const libraryHost: Host = makeHost(Object.values(librarySections).flat(), [
  exceptionClass,
  regexClass,
  mapClass,
  setClass,
  iconvClass,
  fileClass,
  mimeClass,
  mailMessageClass,
  mimePartClass,
  socketClass,
  tlsSocketClass,
  ldapClass,
  ldapResultClass,
  x509Class,
  x509CrlClass,
  x509ResourceClass,
  x509CrlResourceClass,
  ...keyClasses,
]);
