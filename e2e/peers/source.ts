/** The steady source (steady-source.ts) seen from a scenario. */
import { fileURLToPath } from "node:url";
import { z } from "zod";

import { Asked } from "./asked.ts";

const Report = z.object({ accepted: z.int(), unclear: z.int(), putOff: z.int() });
const Rebuff = z.object({ at: z.number(), what: z.string() });
export type Rebuff = z.infer<typeof Rebuff>;

export class SteadySource {
  readonly #asked: Asked;

  private constructor(asked: Asked) {
    this.#asked = asked;
  }

  static async start(options: {
    readonly address: string;
    readonly port: number;
    readonly connections: number;
    /** What recipients end with; "example.net" where it is left out. */
    readonly domain?: string;
    /** Of how many messages only half is sent, from 0 to 1. */
    readonly abandon?: number;
    readonly namespace?: string | null;
  }): Promise<SteadySource> {
    const script = fileURLToPath(new URL("../peers/steady-source.ts", import.meta.url));
    const { address, port, connections } = options;
    const args = ["--address", address, "--port", String(port), "--connections", String(connections)];
    args.push("--abandon", String(options.abandon ?? 0), "--domain", options.domain ?? "example.net");
    return new SteadySource(await Asked.start(script, args, { namespace: options.namespace ?? null }));
  }

  /** Messages a second; 0 pauses. */
  async rate(messages: number): Promise<void> {
    await this.#asked.ask(`rate ${messages}`, z.unknown());
  }

  report(): Promise<z.infer<typeof Report>> {
    return this.#asked.ask("report", Report);
  }

  /** Recipients that got a 250. */
  accepted(): Promise<string[]> {
    return this.#asked.ask("accepted", z.array(z.string()));
  }

  /** Recipients whose message was cut off half way by us. */
  abandoned(): Promise<string[]> {
    return this.#asked.ask("abandoned", z.array(z.string()));
  }

  /** Each time that it was turned away without a word. */
  rebuffs(): Promise<Rebuff[]> {
    return this.#asked.ask("rebuffs", z.array(Rebuff));
  }

  /** Each time that somebody answered its connection. */
  greetings(): Promise<number[]> {
    return this.#asked.ask("greetings", z.array(z.number()));
  }

  stop(): void {
    this.#asked.stop();
  }
}
