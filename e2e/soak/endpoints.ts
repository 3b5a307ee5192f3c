/**
 * When nobody behind a Service could be connected to, as the API server had it: a watch of its EndpointSlices. The node's
 * proxy then refuses clients, whoever is at fault; verdict.ts holds that against what was done to the engines.
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

import { bin } from "../cluster/places.ts";
import { start } from "../peers/shell.ts";
import type { Ground } from "./ground.ts";
import type { Span } from "./verdict.ts";

/** Type of the event, name of the slice, and of each of its endpoints whether it serves. */
const LINE = '{.type} {.object.metadata.name} {.object.endpoints[*].conditions.serving}{"\\n"}';

export class Endpoints {
  readonly log = new EndpointLog();
  readonly #child: ChildProcess;
  #isStopped = false;

  constructor(ground: Ground, service: string) {
    const { kubeconfig, networkNamespace } = ground.lab.cluster;
    const labels = `kubernetes.io/service-name=${service}`;
    const watch = ["get", "endpointslices", "-n", ground.namespace, "-l", labels];
    const how = ["--watch", "--output-watch-events", "-o", `jsonpath=${LINE}`];
    const args = ["kubectl", "--kubeconfig", kubeconfig, ...watch, ...how];
    this.#child = start(`${bin}/kubelab`, args, { namespace: networkNamespace });
    if (this.#child.stdout === null) throw new Error("bug: the program has no output");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.log.note(line, Date.now()));
    this.#child.once("close", (code) => {
      if (!this.#isStopped) this.log.lose(`the watch of the endpoints ended with ${code}`);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#child.kill("SIGKILL");
  }
}

/** What the watch said, kept as spans. */
export class EndpointLog {
  readonly #serving = new Map<string, boolean>();
  readonly #closed: Span[] = [];
  #closedSince: number | null = null;
  #lost: string | null = null;

  note(line: string, at: number): void {
    const [type = "", name = "", ...serving] = line.trim().split(" ");
    if (type === "DELETED") this.#serving.delete(name);
    else this.#serving.set(name, serving.includes("true"));
    const isOpen = [...this.#serving.values()].includes(true);
    if (!isOpen) this.#closedSince ??= at;
    else if (this.#closedSince !== null) {
      this.#closed.push({ from: this.#closedSince, until: at });
      this.#closedSince = null;
    }
  }

  lose(why: string): void {
    this.#lost ??= why;
  }

  /** Times without anybody who serves, the last one up to `now`. Throws when the watch broke off: then nobody knows. */
  closed(now: number): readonly Span[] {
    if (this.#lost !== null) throw new Error(this.#lost);
    const last = this.#closedSince === null ? [] : [{ from: this.#closedSince, until: now }];
    return [...this.#closed, ...last];
  }
}
