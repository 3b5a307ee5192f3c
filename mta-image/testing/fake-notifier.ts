/** A notifier that remembers what it was told and refuses while `refuses` is true. */
import type { Notice, Notifier } from "#mta/queue/notifier.ts";

export class FakeNotifier implements Notifier {
  readonly notices: Notice[] = [];
  /** How often it was asked, refusals included. */
  asked = 0;
  refuses = false;

  async notify(notice: Notice): Promise<void> {
    this.asked++;
    if (this.refuses) throw new Error("the spool takes no notice");
    this.notices.push(notice);
  }

  /** Short text form: "failed 01J…/0,2". */
  lines(): string[] {
    return this.notices.map(
      ({ kind, message, recipients }) => `${kind} ${message.id}/${recipients.map((r) => r.index).join(",")}`,
    );
  }
}
