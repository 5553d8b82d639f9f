// Every result, the worst first: what is to be looked at, and what was said of it.

import { api, type WorkRow } from "./api";
import { h } from "./dom";

type Wanted = (row: WorkRow) => boolean;
const FILTERS: Record<string, { words: string; wanted: Wanted }> = {
  all: { words: "all", wanted: () => true },
  open: { words: "not looked at", wanted: (row) => !isDone(row) },
  check: { words: "to check or to reject", wanted: (row) => row.verdict === "check" || row.verdict === "reject" },
  accepted: { words: "accepted", wanted: (row) => row.look?.decision === "accept" },
  rejected: { words: "rejected by a person", wanted: (row) => row.look?.decision === "reject" },
};
const REASONS = 2;

/** Whether a person decided on a result, or corrected it. */
export function isDone(row: WorkRow): boolean {
  return Boolean(row.look?.decision) || row.corrected_by !== null;
}

/** How far one is, in words. */
export function progress(rows: WorkRow[]): string {
  return `${rows.filter(isDone).length} of ${rows.length} looked at`;
}

export const placeOf = (row: WorkRow): string => `#/${row.job}/${encodeURIComponent(row.key)}`;

/** The row before or after a result in the list, or the next that nobody has looked at, from the
 * list's beginning again at its end; undefined where there is none. */
export function beside(
  rows: WorkRow[], job: string, key: string, step: 1 | -1, open: boolean,
): WorkRow | undefined {
  const here = rows.findIndex((row) => row.job === job && (row.key === key || row.original === key));
  if (!open) return rows[here + step];
  const round = [...rows.slice(here + 1), ...rows.slice(0, Math.max(0, here))];
  return round.find((row) => !isDone(row));
}

/** Who looked, and what they said. */
export function said(row: WorkRow): string {
  const words = { accept: "accepted", reject: "rejected", "": "comment" };
  const look = row.look ? `${words[row.look.decision]} by ${row.look.who}` : "";
  const comment = row.look?.comment ? `: ${row.look.comment}` : "";
  return [row.corrected_by ? `corrected by ${row.corrected_by}` : "", look + comment].filter(Boolean).join("; ");
}

export function verdictOf(verdict: string | null): HTMLElement {
  return h("span", { class: `verdict ${verdict ?? "none"}` }, verdict ?? "not judged");
}

function line(row: WorkRow): HTMLElement {
  const more = row.reasons.length > REASONS ? `; ${row.reasons.length - REASONS} more` : "";
  return h("tr", { "data-key": row.key },
    h("td", {}, h("img", { src: api.url(row.job, row.key, "thumbnail.png"), alt: "", loading: "lazy" })),
    h("td", { class: "words" }, h("a", { href: placeOf(row), class: "open" }, row.key), h("div", { class: "soft" }, row.study)),
    h("td", { class: "words" }, verdictOf(row.verdict),
      h("div", { class: "soft", title: row.reasons.join("; ") }, row.reasons.slice(0, REASONS).join("; ") + more)),
    h("td", {}, row.modality ?? ""),
    h("td", {}, row.levels || "no names"),
    h("td", {}, `${row.bodies} / ${row.discs}`),
    h("td", { class: "words" }, said(row)));
}

export class Worklist {
  readonly node: HTMLElement;
  private rows: WorkRow[] = [];
  private body = h("tbody", {});
  private count = h("span", { class: "soft", id: "looked" });
  private bar = h("progress", { "aria-label": "results looked at" });
  private filter: HTMLSelectElement;
  private modality: HTMLSelectElement;

  constructor() {
    const draw = (): void => this.draw();
    this.filter = h("select", { id: "filter", change: draw },
      ...Object.entries(FILTERS).map(([value, { words }]) => h("option", { value }, words)));
    this.modality = h("select", { id: "of-modality", change: draw },
      ...[["", "every modality"], ["MR", "MR"], ["CT", "CT"], ["XR", "X-ray"]].map(([value, text]) => h("option", { value }, text)));
    const heads = ["picture", "result", "verdict", "modality", "levels", "bodies / discs", "who looked"];
    this.node = h("section", { class: "worklist", hidden: true }, h("h2", {}, "Worklist"),
      h("p", {}, this.bar, " ", this.count, " ",
        h("label", { for: "filter" }, "Show "), this.filter, " ",
        h("label", { for: "of-modality", class: "hidden" }, "Modality"), this.modality),
      h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
        this.body)));
  }

  async refresh(): Promise<void> {
    this.rows = await api.worklist();
    this.draw();
  }

  private draw(): void {
    const { wanted } = FILTERS[this.filter.value];
    const shown = this.rows.filter((row) => wanted(row) && (!this.modality.value || row.modality === this.modality.value));
    this.node.hidden = this.rows.length === 0;
    this.bar.max = Math.max(1, this.rows.length);
    this.bar.value = this.rows.filter(isDone).length;
    this.count.textContent = progress(this.rows);
    this.body.replaceChildren(...(shown.length ? shown.map(line) : [h("tr", {}, h("td", { colspan: 7 }, "None."))]));
  }
}
