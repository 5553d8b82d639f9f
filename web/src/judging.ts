// What a person says of a result: accept, reject, a comment; and the way to the next one.

import { api, type Look, type Shown, type WorkRow } from "./api";
import { attempt, h, tell } from "./dom";
import { beside, placeOf, progress, verdictOf } from "./worklist";

type Decision = Look["decision"];

export class Judging {
  readonly node = h("section", { class: "judging", "aria-label": "judgement" });
  private rows: WorkRow[] = [];

  constructor(private job: string, private shown: Shown, private free: () => boolean) {
    this.draw();
    void attempt(() => this.refresh());
  }

  /** Go to the result before or after this one in the worklist. */
  go(step: 1 | -1): void {
    const next = beside(this.rows, this.job, this.shown.key, step, false);
    if (next) location.hash = placeOf(next);
    else tell(step > 0 ? "This is the last one of the list." : "This is the first one of the list.");
  }

  /** Write a decision down and go on to the next result that nobody has looked at. */
  decide(decision: Decision): void {
    if (!this.free()) return tell("Save the corrections first: they are a version of their own.", true);
    void this.ask(decision, decision === "");
  }

  private async refresh(): Promise<void> {
    this.rows = await api.worklist();
    this.draw();
  }

  private async ask(decision: Decision, words: boolean): Promise<void> {
    const known = localStorage.getItem("who");
    const told = known && !words ? { who: known, comment: this.shown.look?.comment ?? "" } : await this.asked();
    if (!told) return;
    await attempt(async () => {
      const kept = decision || (this.shown.look?.decision ?? "");
      this.shown.look = await api.look(this.job, this.shown.key, { decision: kept, ...told });
      await this.refresh();
      if (!decision) return tell("kept");
      const next = beside(this.rows, this.job, this.shown.key, 1, true);
      tell(`${decision === "accept" ? "accepted" : "rejected"}: ${progress(this.rows)}`);
      if (next) location.hash = placeOf(next);
    });
  }

  /** Ask for a name and a comment. */
  private asked(): Promise<{ who: string; comment: string } | null> {
    return new Promise((resolve) => {
      const who = h("input", { id: "judge", required: true, maxlength: 100, value: localStorage.getItem("who") ?? "" });
      const comment = h("textarea", { id: "comment", maxlength: 2000, rows: 3 });
      comment.value = this.shown.look?.comment ?? "";
      let answer: { who: string; comment: string } | null = null;
      const dialog = h("dialog", {}, h("form", { method: "dialog", submit: () => {
        localStorage.setItem("who", who.value);
        answer = { who: who.value, comment: comment.value };
      } },
        h("h2", {}, "What you say of this result"),
        h("label", {}, "Your name ", who), h("label", {}, "Comment ", comment),
        h("p", {}, h("button", { class: "main", type: "submit", id: "keep" }, "Keep"), " ",
          h("button", { type: "button", click: () => dialog.close() }, "Back"))));
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(answer);
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  private draw(): void {
    const { look, verdict, correction } = this.shown;
    const button = (id: string, text: string, work: () => void, pressed = false): HTMLElement =>
      h("button", { id, "aria-pressed": pressed ? "true" : "false", click: work }, text);
    const who = look ? `${look.who}, ${look.when.slice(0, 16).replace("T", " ")}${look.comment ? `: ${look.comment}` : ""}` : "";
    this.node.replaceChildren(h("p", {}, ...(correction ? [] : [verdictOf(verdict), " "]),
      button("accept", "Accept (A)", () => this.decide("accept"), look?.decision === "accept"), " ",
      button("reject", "Reject (R)", () => this.decide("reject"), look?.decision === "reject"), " ",
      button("say", "Comment (T)", () => this.decide("")), " ",
      h("button", { id: "before", click: () => this.go(-1) }, "Before (K)"), " ",
      h("button", { id: "next", click: () => this.go(1) }, "Next (J)")),
    h("p", { class: "soft" }, [this.rows.length ? progress(this.rows) : "", who].filter(Boolean).join(" · ")));
  }
}
