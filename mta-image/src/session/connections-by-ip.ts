/** How many connections each address has; one without any is forgotten, so that strangers do not fill the memory. Never fails. */
export class ConnectionsByIp {
  readonly #counts = new Map<string, number>();

  from(ip: string): number {
    return this.#counts.get(ip) ?? 0;
  }

  opened(ip: string): void {
    this.#counts.set(ip, this.from(ip) + 1);
  }

  closed(ip: string): void {
    const left = this.from(ip) - 1;
    if (left > 0) this.#counts.set(ip, left);
    else this.#counts.delete(ip);
  }
}
