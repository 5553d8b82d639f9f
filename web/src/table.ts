// The list of bodies and discs. Its rows stay the same nodes while the instances change, so that
// the keyboard's place is never lost.

import type { About, Mark } from "./api";
import { h } from "./dom";
import { colourOf, kindName, levelsOf, nameOf } from "./levels";

export interface Acts {
  choose(id: string | null): void;
  rename(id: string, level: string | null): void;
  remove(id: string): void;
  nameAll(id: string): void;
  show(id: string, visible: boolean): void;
}

interface Look {
  marks: Mark[];
  chosen: string | null;
  hidden: Set<string>;
}

/** Marks as the picture runs. */
export function headToFoot(marks: Mark[]): Mark[] {
  return [...marks].sort((one, other) => one.centre[1] - other.centre[1]);
}

const number = (value: unknown, digits: number): string =>
  typeof value === "number" ? value.toFixed(digits) : "–";

class Row {
  private visible: HTMLInputElement;
  private unnamed = h("option", { value: "" });
  private level: HTMLSelectElement;
  private area = h("td", { class: "area" });
  private heights = h("td");
  private score = h("td");
  private doubt = h("td", { class: "doubt" });
  private nameAll: HTMLButtonElement;
  readonly main: HTMLTableRowElement;
  readonly actions: HTMLTableRowElement;
  private chosen = false;

  constructor(private about: About, mark: Mark, private inMm: boolean, acts: Acts) {
    const { id } = mark;
    this.visible = h("input", { type: "checkbox", change: () => acts.show(id, this.visible.checked) });
    this.level = h("select", { change: () => acts.rename(id, this.level.value || null) }, this.unnamed,
      ...levelsOf(about, mark.kind).map((name) => h("option", { value: name }, name)));
    this.nameAll = h("button", { id: "name-all", title: "Name all others from this one", click: () => acts.nameAll(id) },
      "Name all from here");
    this.actions = h("tr", { class: "actions" }, h("td", { colspan: 6 },
      h("button", { title: "Delete", click: () => acts.remove(id) }, "Delete"), this.nameAll));
    const pick = (event: Event): void => {
      if ((event.target as HTMLElement).closest("input, select, button")) return;
      if (event instanceof KeyboardEvent && event.key !== "Enter") return;
      event.stopPropagation();
      acts.choose(this.chosen ? null : id);
      this.main.focus();
    };
    this.main = h("tr", { "data-id": id, tabindex: 0, click: pick, keydown: pick },
      h("td", {}, this.visible, h("i", { class: "colour", style: `background:${colourOf(mark)}` })),
      h("td", {}, this.level), this.area, this.heights, this.score, this.doubt);
  }

  update(mark: Mark, { chosen, hidden }: Look, twice: boolean): void {
    const m = mark.measures;
    const unit = this.inMm ? "mm" : "px";
    this.chosen = mark.id === chosen;
    this.main.className = this.chosen ? "chosen" : "";
    this.main.dataset.level = mark.level ?? "";
    this.visible.checked = !hidden.has(mark.id);
    this.visible.setAttribute("aria-label", `show ${nameOf(mark)}`);
    this.unnamed.textContent = `${kindName(mark.kind)} ${m.order ?? ""}`;
    this.level.value = mark.level ?? "";
    this.level.setAttribute("aria-label", `level of ${nameOf(mark)}`);
    this.area.textContent = number(this.inMm ? m.area_mm2 : m.area_px, 0);
    this.heights.textContent = ["anterior", "middle", "posterior"]
      .map((part) => number(m[`height_${part}_${unit}`], 1)).join("/");
    this.score.textContent = mark.score === null ? "by hand" : mark.score.toFixed(2);
    this.score.title = typeof m.quality === "number" ? `expected Dice ${m.quality.toFixed(2)}` : "";
    this.doubt.textContent = [mark.truncated ? "cut off" : "", m.poor ? "probably poor" : "",
      mark.score !== null && mark.score < this.about.unsure_score ? "unsure" : "", twice ? "named twice" : ""].filter(Boolean).join(", ");
    this.nameAll.hidden = mark.kind !== "vertebral_body" || mark.level === null;
  }

  /** The nodes that are to stand in the table. */
  get nodes(): HTMLElement[] {
    return this.chosen ? [this.main, this.actions] : [this.main];
  }
}

export class InstanceTable {
  readonly node: HTMLTableElement;
  private body = h("tbody");
  private rows = new Map<string, Row>();

  constructor(private about: About, private inMm: boolean, private acts: Acts) {
    const unseen = (text: string): HTMLElement => h("span", { class: "hidden" }, text);
    const heads = [unseen("shown"), "level", inMm ? "mm²" : "pixels", `heights ${inMm ? "mm" : "px"}`, "score", unseen("doubts")];
    this.node = h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", {}, text)))), this.body);
  }

  update(look: Look): void {
    const named = look.marks.map((mark) => `${mark.kind} ${mark.level}`);
    const wanted = look.marks.flatMap((mark, place) => {
      const row = this.rows.get(mark.id) ?? new Row(this.about, mark, this.inMm, this.acts);
      this.rows.set(mark.id, row);
      row.update(mark, look, mark.level !== null && named.some((name, other) => other !== place && name === named[place]));
      return row.nodes;
    });
    const ids = new Set(look.marks.map((mark) => mark.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    for (const node of [...this.body.children]) if (!wanted.includes(node as HTMLElement)) node.remove();
    // only what is not in its place is moved: a moved node loses the keyboard's focus
    wanted.forEach((node, place) => {
      if (this.body.children[place] !== node) this.body.insertBefore(node, this.body.children[place] ?? null);
    });
  }

  /** Bring the chosen row into view. */
  reveal(): void {
    this.body.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }
}
