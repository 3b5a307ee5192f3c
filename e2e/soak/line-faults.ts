/**
 * The fault proxy on the real node: it takes the place of the API server for the operator, which is told its address by
 * the variables that every program in a pod goes by, and acts as the operator's service account. `remove` puts the operator
 * back on the straight line. Only for the cluster of this checkout, whose authority's key is at hand.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";

import { nodeAddress, state } from "../cluster/places.ts";
import { operatorNamespace } from "../lab.ts";
import { Asked } from "../peers/asked.ts";
import type { Ground } from "./ground.ts";

const Report = z.object({ faults: z.int(), summary: z.string(), writes: z.int(), kills: z.int() });
export type LineReport = z.infer<typeof Report>;

const ACCOUNT = `system:serviceaccount:${operatorNamespace}:mailfleet`;
const DEPLOYMENT = "deployment/mailfleet";

export class LineFaults {
  readonly #ground: Ground;
  readonly #asked: Asked;

  private constructor(ground: Ground, asked: Asked) {
    this.#ground = ground;
    this.#asked = asked;
  }

  static async install(ground: Ground, seed: number, most: number): Promise<LineFaults> {
    const { cluster } = ground.lab;
    const options = {
      kubeconfig: cluster.kubeconfig,
      "act-as": ACCOUNT,
      address: nodeAddress,
      ca: `${state}/pki/ca.crt`,
      "ca-key": `${state}/pki/ca.key`,
      seed: String(seed),
      most: String(most),
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const script = fileURLToPath(new URL("../faults/proxy-program.ts", import.meta.url));
    const asked = await Asked.start(script, args, { namespace: cluster.networkNamespace });
    const { port } = z.object({ port: z.int() }).parse(asked.greeting);
    const faults = new LineFaults(ground, asked);
    await faults.#point(`KUBERNETES_SERVICE_HOST=${nodeAddress}`, `KUBERNETES_SERVICE_PORT=${port}`);
    return faults;
  }

  async turn(word: "on" | "off"): Promise<void> {
    await this.#asked.ask(word, z.unknown());
  }

  report(): Promise<LineReport> {
    return this.#asked.ask("report", Report);
  }

  async remove(): Promise<void> {
    await this.#point("KUBERNETES_SERVICE_HOST-", "KUBERNETES_SERVICE_PORT-");
    this.#asked.stop();
  }

  async #point(...variables: readonly string[]): Promise<void> {
    const where = ["-n", operatorNamespace];
    await this.#ground.lab.kubectl([...where, "set", "env", DEPLOYMENT, ...variables]);
    await this.#ground.lab.kubectl([...where, "rollout", "status", DEPLOYMENT, "--timeout=90s"]);
  }
}
