/** Names one object of a kind that is clear from the context. What is queued and looked at is a key, never an object. */
export interface Key {
  readonly namespace: string;
  readonly name: string;
}

/** As map key and for messages. */
export function keyText(key: Key): string {
  return `${key.namespace}/${key.name}`;
}
