/**
 * An engine as a hand-over sees it, with its real spool, queue and ledger, on a machine that stops where a test says: at the
 * n-th operation on its files, or before or after the n-th change of its ledger. Whatever the process does from then on has no
 * effect and gets no answer; `afterwards` is what the next process finds. It delivers nothing.
 */
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { Queue } from "#mta/queue/queue.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import { Giver } from "#mta/transfer/giver.ts";
import { Ledger } from "#mta/transfer/ledger.ts";
import { MailStore } from "#mta/transfer/mail-store.ts";
import type { Peer } from "#mta/transfer/ports.ts";
import { Receiver } from "#mta/transfer/receiver.ts";

import { FakeCourier } from "./fake-courier.ts";
import { FakeNotifier } from "./fake-notifier.ts";
import { FaultyFiles } from "./faulty-files.ts";
import { makeDraft } from "./messages.ts";

/** The step at which a machine stops: operations on files are counted, or the moments before and after changes of the ledger. */
export interface Stop {
  readonly part: "files" | "ledger";
  readonly step: number;
  /** Only this one fails, as on a disk in trouble, and the process goes on. */
  readonly isTrouble?: boolean;
}

/** Time that passes as soon as nothing else is to be done. */
export const hurriedClock: Clock = {
  now: () => 1_800_000_000_000,
  monotonic: () => 0,
  after(_delayMs, callback) {
    const handle = setImmediate(callback);
    return { cancel: () => clearImmediate(handle) };
  },
};

/** What one process has below it. From the step at which it stops, nothing that the process does has an effect. */
export class Machine {
  readonly ledgerPath: string;
  readonly files: FaultyFiles;
  #lastFileStep = Infinity;
  #isTrouble = false;
  #ledgerSteps = Infinity;

  constructor(ledgerPath: string, files = new FaultyFiles()) {
    this.ledgerPath = ledgerPath;
    this.files = files;
  }

  get isStopped(): boolean {
    return this.isMet && !this.#isTrouble;
  }

  /** The step has come. */
  get isMet(): boolean {
    return this.files.operations > this.#lastFileStep;
  }

  /** At the first step from now, which is 0, or a later one. */
  stopAt({ part, step, isTrouble = false }: Stop): void {
    this.#isTrouble = isTrouble;
    if (part === "ledger") this.#ledgerSteps = step;
    else this.#stopFiles(step);
  }

  ledgerStep(): void {
    this.check();
    if (this.#ledgerSteps-- !== 0) return;
    this.#stopFiles(-1);
    throw new Error("the ledger cannot be written");
  }

  check(): void {
    if (this.isStopped) throw new Error("the machine has stopped");
  }

  /** What the next process finds; `kept`: so much of what was not synced is there. */
  afterwards(kept: number): Machine {
    return new Machine(this.ledgerPath, this.files.afterCrash(kept));
  }

  #stopFiles(step: number): void {
    this.#lastFileStep = this.files.operations + step;
    if (this.#isTrouble) this.files.failAt(step);
    else this.files.crashAt(step);
  }
}

/** SQLite is trusted with each change of its own: it is there whole, or not at all. */
class SteppedLedger extends Ledger {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    super(machine.ledgerPath);
    this.#machine = machine;
  }

  #change(change: () => void): void {
    this.#machine.ledgerStep();
    change();
    this.#machine.ledgerStep();
  }

  override leave(...all: Parameters<Ledger["leave"]>): void {
    this.#change(() => super.leave(...all));
  }

  override left(...all: Parameters<Ledger["left"]>): void {
    this.#change(() => super.left(...all));
  }

  override arrive(...all: Parameters<Ledger["arrive"]>): void {
    this.#change(() => super.arrive(...all));
  }

  override take(...all: Parameters<Ledger["take"]>): void {
    this.#change(() => super.take(...all));
  }

  override dropArriving(...all: Parameters<Ledger["dropArriving"]>): void {
    this.#change(() => super.dropArriving(...all));
  }

  override forget(...all: Parameters<Ledger["forget"]>): void {
    this.#change(() => super.forget(...all));
  }
}

/** One process of an engine, which delivers nothing. Starting rejects when its machine stops meanwhile. */
export class StoppableEngine {
  readonly machine: Machine;
  readonly spool: DiskSpool;
  readonly queue: Queue;
  readonly store: MailStore;
  readonly ledger: Ledger;
  readonly receiver: Receiver;
  readonly giver: Giver;
  #isOver = false;

  private constructor(machine: Machine, spool: DiskSpool, ledger: Ledger) {
    this.machine = machine;
    this.spool = spool;
    this.queue = new Queue({
      spool,
      courier: new FakeCourier(),
      notifier: new FakeNotifier(),
      clock: new ManualClock(),
      log: silentLog,
      random: () => 0,
      scheduleFor: () => ({ count: 2, intervals: [{ delayMs: 60_000, notify: false }] }),
      maxRunning: 0,
      locator: { locate: async () => ({ hosts: [], ips: [] }) },
      sourcesFor: () => [],
    });
    this.store = new MailStore({ queue: this.queue, spool });
    this.ledger = ledger;
    const both = { ledger, clock: hurriedClock };
    this.receiver = new Receiver({ ...both, door: this.store, isOpen: () => true });
    this.receiver.recover();
    this.giver = new Giver({ ...both, store: this.store, log: silentLog });
  }

  static async start(machine: Machine): Promise<StoppableEngine> {
    const floor = { bytes: 0, inodes: 0 };
    const { files } = machine;
    // Without a cache, so that what is given is read from its files.
    const options = { files, clock: new ManualClock(), floor, cacheBytes: 0, log: silentLog };
    const spool = await DiskSpool.open(options);
    const ledger = new SteppedLedger(machine);
    try {
      const engine = new StoppableEngine(machine, spool, ledger);
      for await (const message of spool.recover()) {
        if (engine.giver.withheld.has(message.id)) engine.store.withhold(message);
        else engine.queue.add(message);
      }
      return engine;
    } catch (error) {
      ledger.close();
      throw error;
    }
  }

  /** Resolves to the id. */
  async accept(text: string, inFile: boolean): Promise<string> {
    const draft = makeDraft({ content: Buffer.from(text) });
    const body = inFile ? await this.spool.createBody(draft.id) : null;
    await body?.write(Buffer.from(text));
    this.queue.add(await this.spool.commit(body === null ? draft : { ...draft, content: body }));
    return draft.id;
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.giver.close();
    this.queue.close();
    this.ledger.close();
  }

  get ids(): readonly string[] {
    return [...this.spool.messages()].map(({ id }) => id);
  }

  get queued(): readonly string[] {
    return [...this.queue.messageIds()];
  }
}

/** No answer comes from a machine that has stopped, nor to one. */
export function connect(giver: StoppableEngine, taker: StoppableEngine): Peer {
  const call = async <T>(ask: () => T | Promise<T>): Promise<T> => {
    giver.machine.check();
    taker.machine.check();
    const answer = await ask();
    giver.machine.check();
    taker.machine.check();
    return answer;
  };
  const { receiver } = taker;
  return {
    name: "taker",
    send: (batch, frames) =>
      call(() => receiver.receive(batch, Buffer.concat(frames))).then(({ ids }) => ids),
    taken: (batch, ids) => call(() => receiver.taken({ batch, ids: [...ids] })).then((answer) => answer.ids),
    forgotten: async (batch, ids) => void (await call(() => receiver.forgotten({ batch, ids: [...ids] }))),
  };
}
