/** What scripts see of a connection and its mail, as arrays of docs/hooks.md. Pure: each call makes a new array. */
import type { Secured } from "../smtp/secured.ts";
import type { MailParameters, RcptParameters } from "../smtp/parameters.ts";
import type { HslArray } from "../script/value.ts";
import { certificateTree } from "./certificate-tree.ts";
import type { RemoteName } from "./remote-name.ts";
import { type Branch, addressTree, arrayOf, bytesOf } from "./texts.ts";

export interface ConnectionFacts {
  readonly id: string;
  readonly serverId: string;
  /** "" for a UNIX socket. */
  readonly remoteIp: string;
  /** Whose process is at the other end of a UNIX socket; null for another kind, or where no script wants to know. */
  readonly remoteUid: number | null;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  /** The proxy that named the client; null when the client came by itself. */
  readonly proxyIp: string | null;
  /** What the proxy said besides, as hexadecimal digits; null for nothing. */
  readonly proxyTlv: string | null;
  /** What mail of the connection has where nobody says otherwise, as MT-PRIORITY counts (RFC 6710); absent means 0. */
  readonly priority?: number;
  /** What the client's address is called; absent where no script wants to know. */
  readonly remoteName?: RemoteName;
}

export function connectArguments(facts: ConnectionFacts): HslArray {
  const { remoteIp, remotePort, localIp, localPort, serverId, proxyIp, proxyTlv, remoteName } = facts;
  return arrayOf({
    remoteip: remoteIp,
    remoteport: remotePort,
    localip: localIp,
    localport: localPort,
    serverid: serverId,
    ...(proxyIp === null ? {} : { proxyip: proxyIp }),
    ...(proxyTlv === null ? {} : { proxytlv: proxyTlv }),
    ...uidTree(facts),
    ...nameTree(facts),
    ...(remoteName === undefined ? {} : { remoteptrresult: remoteName.result }),
  });
}

function uidTree({ remoteUid }: ConnectionFacts): Branch {
  return remoteUid === null ? {} : { remoteuid: remoteUid };
}

function nameTree({ remoteName }: ConnectionFacts): Branch {
  return typeof remoteName?.name === "string" ? { remoteptr: bytesOf(remoteName.name) } : {};
}

/** `learnt` is what came to be known later, in this order. */
export function connectionTree(facts: ConnectionFacts, learnt: Branch): HslArray {
  const { id, remoteIp, remotePort, localIp, localPort, serverId, priority = 0 } = facts;
  return arrayOf({
    id,
    priority,
    remoteip: remoteIp,
    remoteport: remotePort,
    localip: localIp,
    localport: localPort,
    serverid: serverId,
    ...uidTree(facts),
    ...nameTree(facts),
    ...learnt,
  });
}

export function tlsTree({ description, serverName, certificate }: Secured): Branch {
  return {
    ...cipherTree(description),
    ...(serverName === null ? {} : { sni: bytesOf(serverName) }),
    ...(certificate === null
      ? {}
      : { peercert: () => certificateTree(certificate.leaf, certificate.unverified) }),
  };
}

/** "TLSv1.3 TLS_AES_256_GCM_SHA384" as protocol, cipher and size of the key in bits, where the name tells it. */
export function cipherTree(description: string): Branch {
  const [protocol = "", cipher = ""] = description.split(" ");
  const bits = /CHACHA20/.test(cipher) ? "256" : /(?:AES|CAMELLIA|ARIA)_?(\d{3})/.exec(cipher)?.[1];
  return { protocol, cipher, ...(bits === undefined ? {} : { keysize: Number(bits) }) };
}

export function senderArguments(address: string, parameters: MailParameters): HslArray {
  return arrayOf({
    sender: bytesOf(address).toLowerCase(),
    address: addressTree(address),
    params: () => mailTree(parameters),
  });
}

export function recipientArguments(
  address: string,
  facts: { parameters: RcptParameters; transportId: string; isRelay: boolean },
): HslArray {
  return arrayOf({
    recipient: bytesOf(address).toLowerCase(),
    address: addressTree(address),
    params: () => rcptTree(facts.parameters),
    transportid: facts.transportId,
    relay: facts.isRelay,
  });
}

/** Keys in upper case, as they were given; those without value have an empty one. */
export function mailTree(parameters: MailParameters): Branch {
  const { sizeBytes, eightBit, smtpUtf8, ret, envid, requireTls } = parameters;
  return {
    ...(sizeBytes === null ? {} : { SIZE: String(sizeBytes) }),
    ...(eightBit ? { BODY: "8BITMIME" } : {}),
    ...(smtpUtf8 ? { SMTPUTF8: "" } : {}),
    ...(ret === null ? {} : { RET: ret }),
    ...(envid === null ? {} : { ENVID: envid }),
    ...(requireTls ? { REQUIRETLS: "" } : {}),
  };
}

export function rcptTree({ notify, orcpt }: RcptParameters): Branch {
  return {
    ...(notify === null ? {} : { NOTIFY: notify.join(",") }),
    ...(orcpt === null ? {} : { ORCPT: orcpt }),
  };
}
