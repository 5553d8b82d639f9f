// What a person says of a result: accept, reject, a comment; and the way to the next one.

import { api, type Look, type Shown, type WorkRow } from "./api";
import { attempt, h, tell } from "./dom";
import { beside, placeOf, progress, verdictOf } from "./worklist";

type Decision = Look["decision"];
const HEADS: Record<Decision, string> = { accept: "Accept", reject: "Reject", "": "Comment on" };

export class Judging {
  readonly node = h("section", { class: "judging", "aria-label": "judgement" });
  private rows: WorkRow[] = [];
  private ready: Promise<unknown>;

  constructor(private job: string, private shown: Shown, private free: () => boolean) {
    this.draw();
    this.ready = attempt(() => this.refresh());
  }

  /** Go to the result before or after this one in the worklist. */
  async go(step: 1 | -1): Promise<void> {
    await this.ready; // a key may come before the list
    const next = beside(this.rows, this.job, this.shown.key, step, false);
    if (next) location.hash = placeOf(next);
    else tell(step > 0 ? "This is the last one of the list." : "This is the first one of the list.");
  }

  /** Write a decision down and go on to the next result that nobody has looked at; the same one
   * again is taken back. */
  decide(decision: Decision): void {
    if (!this.free()) return tell("Save the corrections first: they are a version of their own.", true);
    const { look } = this.shown;
    if (decision && look?.decision === decision) void this.takeBack(look);
    else void this.ask(decision);
  }

  private async takeBack({ who, comment }: Look): Promise<void> {
    await attempt(async () => {
      this.shown.look = await api.look(this.job, this.shown.key, { decision: "", who, comment });
      await this.refresh();
      tell("taken back");
    });
  }

  private async refresh(): Promise<void> {
    this.rows = await api.worklist();
    this.draw();
  }

  private async ask(decision: Decision): Promise<void> {
    const known = localStorage.getItem("who");
    const told = known && decision ? { who: known, comment: this.shown.look?.comment ?? "" } : await this.asked(decision);
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
  private asked(decision: Decision): Promise<{ who: string; comment: string } | null> {
    return new Promise((resolve) => {
      const who = h("input", { id: "judge", required: true, maxlength: 100, value: localStorage.getItem("who") ?? "" });
      const comment = h("textarea", { id: "comment", maxlength: 2000, rows: 3 });
      comment.value = this.shown.look?.comment ?? "";
      let answer: { who: string; comment: string } | null = null;
      const dialog = h("dialog", {}, h("form", { method: "dialog", submit: () => {
        localStorage.setItem("who", who.value);
        answer = { who: who.value, comment: comment.value };
      } },
        h("h2", {}, `${HEADS[decision]} ${this.shown.key}`),
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
    const { look, verdict } = this.shown;
    const button = (id: string, text: string, work: () => void, pressed = false): HTMLElement =>
      h("button", { id, "aria-pressed": pressed ? "true" : "false", click: work }, text);
    const who = look ? `${look.who}, ${look.when.slice(0, 16).replace("T", " ")}${look.comment ? `: ${look.comment}` : ""}` : "";
    this.node.replaceChildren(h("p", {}, verdictOf(verdict), " ",
      button("accept", "Accept (A)", () => this.decide("accept"), look?.decision === "accept"), " ",
      button("reject", "Reject (R)", () => this.decide("reject"), look?.decision === "reject"), " ",
      button("say", "Comment (T)", () => this.decide("")), " ",
      h("button", { id: "before", click: () => void this.go(-1) }, "Before (K)"), " ",
      h("button", { id: "next", click: () => void this.go(1) }, "Next (J)")),
    h("p", { class: "soft" }, [this.rows.length ? progress(this.rows) : "", who].filter(Boolean).join(" · ")));
  }
}
