// One result: look, correct, save a version, download, send on.

import { api, OVER, Refused, type About, type Change, type Kind, type Mark, type Shown } from "./api";
import { curve } from "./curve";
import { attempt, h, hush, tell } from "./dom";
import { Grey } from "./grey";
import { History } from "./history";
import { Judging } from "./judging";
import { Overlay, type Tool } from "./overlay";
import { headToFoot, InstanceTable } from "./table";
import { Toolbar } from "./toolbar";
import { Viewer } from "./viewer";
import { wordsOf } from "./warnings";

const OF_INSTANCES = ["low-quality", "low-score"]; // count what the reasons name one by one
const OF_LEVELS = ["level-unknown", "level-unsure"];
const HELP =
  "Wheel or arrows up/down: slice. Ctrl+wheel or pinch: zoom. Right drag: contrast. Shift+drag: move. " +
  "P points, B brush, E eraser, M move, C contrast, [ ] brush size, H outlines on/off, Delete removes, " +
  "N next body or disc, Shift+N the one before, A accept, R reject, T comment, J next result, K the one before, Ctrl+Z undo, Ctrl+Shift+Z redo, Ctrl+S save, 0 resets the view.";

/** The page of a result; it is still to be opened. */
export async function fetchResult(
  main: HTMLElement, about: About, job: string, key: string,
): Promise<ResultPage> {
  const shown = await api.result(job, key);
  return new ResultPage(main, about, job, shown);
}

export class ResultPage {
  private history: History;
  private viewer: Viewer;
  private overlay: Overlay;
  private table: InstanceTable;
  private toolbar: Toolbar;
  private judging: Judging;
  private greys: Grey;
  private curvePlace = h("div", {});
  private notes = h("div", {});
  private told: boolean | undefined;
  private grey = h("span", { class: "grey soft" });
  private busy: Promise<unknown> = Promise.resolve();
  private saved: Mark[];
  private adding: Kind = "vertebral_body";
  private added = 0;
  private pending = 0; // changes under way
  private keys = (event: KeyboardEvent): void => this.key(event);
  private leaving = (event: BeforeUnloadEvent): void => {
    if (this.unsaved) event.preventDefault();
  };

  constructor(private main: HTMLElement, private about: About, private job: string, private shown: Shown) {
    this.history = new History(shown.instances);
    this.saved = shown.instances;
    this.viewer = new Viewer(h("canvas", { class: "slices" }));
    this.overlay = new Overlay(this.viewer, {
      choose: (id) => this.choose(id),
      moved: (id, before, after) => this.change(id, (place) => ({ place, how: "outline", before, after })),
      painted: (id, how, stroke, radius) => this.change(id, (place) => ({ place, how, stroke, radius })),
      drawn: (outline) => this.add({ how: "outline", before: [], after: [outline] }),
      boxed: (corners) => this.add({ how: "box", stroke: corners }),
    });
    this.viewer.onview = () => this.viewed();
    this.table = new InstanceTable(about, shown.spacing !== null, {
      choose: (id) => this.choose(id),
      rename: (id, level) => this.rename(id, level),
      remove: (id) => this.remove(id),
      nameAll: (id) => this.change(id, (place) => ({ place, how: "name_all" })),
      show: (id, visible) => this.show(id, visible),
    });
    this.greys = new Grey(shown.modality, () => this.viewer.ranges, (range) => this.viewer.setGrey(range));
    this.judging = new Judging(job, shown, () => !this.unsaved);
    this.toolbar = new Toolbar({
      use: (tool) => this.setTool(tool),
      add: (kind) => this.startAdding(kind),
      size: (radius) => (this.overlay.radius = radius),
      undo: () => this.walk(true),
      redo: () => this.walk(false),
      reset: () => this.viewer.reset(),
    });
  }

  async open(): Promise<void> {
    const { shown } = this;
    const save = h("button", { class: "main", id: "save", click: () => this.askSave() }, "Save version");
    const number = shown.trace.find((one) => one.index === shown.selected_slice)?.instance_number;
    const facts = `${shown.modality ?? ""} · slice ${shown.selected_slice} of 0 to ${shown.n_slices - 1}` +
      (typeof number === "number" ? ` (image ${number})` : "") +
      (shown.spacing ? ` · ${shown.spacing.map((v) => v.toPrecision(3)).join(" × ")} mm` : " · spacing not known");
    const versions = h("select", { "aria-label": "version", change: (event) => {
      location.hash = `#/${this.job}/${encodeURIComponent((event.target as HTMLSelectElement).value)}`;
    } }, ...shown.versions.map((name) => h("option", { value: name, selected: name === shown.key }, name)));
    const side = h("aside", {}, this.judging.node,
      h("section", {}, h("h2", {}, shown.key), h("p", { class: "soft" }, `from ${shown.upload} · ${facts}`),
        h("p", {}, h("label", {}, "Version ", versions)), this.notes),
      h("section", {}, h("div", { class: "scroll" }, this.table.node)),
      h("section", {}, h("h2", {}, "Bodies on each slice"), this.curvePlace),
      h("section", {}, h("h2", {}, "Files"), this.downloads()));
    this.main.replaceChildren(h("div", { class: "result" },
      h("h1", { class: "hidden" }, `Result ${shown.key}`),
      h("div", { class: "stage" }, this.toolbar.node, this.greys.node,
        h("div", { class: "picture" }, this.viewer.canvas, this.overlay.svg, this.grey),
        h("details", {}, h("summary", {}, "Keys and mouse"), h("p", { class: "soft" }, HELP)), save),
      side));
    window.addEventListener("keydown", this.keys);
    window.addEventListener("beforeunload", this.leaving);
    await this.viewer.open(api.url(this.job, shown.key, "volume.nii"), shown.spacing, shown.selected_slice);
    this.render();
  }

  close(): void {
    window.removeEventListener("keydown", this.keys);
    window.removeEventListener("beforeunload", this.leaving);
    document.querySelector("dialog")?.close();
    this.overlay.forget();
    this.viewer.close();
    this.following?.close();
  }

  get unsaved(): boolean {
    return this.pending > 0 || this.history.now !== this.saved;
  }

  /** Whether every body has its level by now: what was said of missing ones is over. */
  private get allNamed(): boolean {
    const bodies = this.history.now.filter((one) => one.kind === "vertebral_body");
    return bodies.length > 0 && bodies.every((one) => one.level !== null);
  }

  private story(): HTMLElement[] {
    const { correction, warnings, verdict, reasons } = this.shown;
    const told = new Set(warnings.map((one) => one.text));
    const judged = verdict && verdict !== "ok" && !correction ? reasons.filter((one) => !told.has(one)) : [];
    const out: HTMLElement[] = judged.map((one) => h("p", { class: "warning check" }, one));
    const counted = judged.length ? OF_INSTANCES : [];
    const over = this.allNamed ? OF_LEVELS : [];
    const open = warnings.filter((one) => ![...counted, ...over].includes(one.code));
    out.push(...open.map((one) => h("p", { class: `warning ${one.severity}` }, wordsOf(one))));
    if (correction) {
      out.push(h("details", { open: true },
        h("summary", {}, `Corrected by ${correction.who}, ${correction.when.slice(0, 16).replace("T", " ")}`),
        h("ul", {}, ...correction.changes.map((line) => h("li", {}, line))),
        h("p", { class: "soft" }, correction.note)));
    }
    return out;
  }

  private downloads(): HTMLElement {
    const { shown, job } = this;
    const links = shown.files.map((name) =>
      h("a", { href: api.url(job, shown.key, `files/${encodeURIComponent(name)}`), download: `${shown.key}-${name}` }, name));
    const place = h("p", { class: "files" }, ...links);
    if (this.about.send_to && shown.files.some((name) => name.endsWith(".dcm"))) {
      place.append(h("button", { id: "send", click: () => void attempt(async () => {
        const { sent } = await api.send(job, shown.key);
        tell(`${sent} files sent to ${this.about.send_to}`);
      }) }, `Send to ${this.about.send_to}`));
    }
    return place;
  }

  // ---- changes

  /** Changes come one after the other: each begins with what the one before it left. */
  private change(id: string, make: (place: number) => Change): void {
    this.queue(async () => {
      const place = this.history.now.findIndex((one) => one.id === id);
      if (place < 0) return;
      this.history.push(await api.edit(this.job, this.shown.key, this.history.now, make(place)));
      this.render();
    });
  }

  private add(how: Omit<Change, "place">): void {
    const id = `hand-${Date.now()}-${(this.added += 1)}`; // a page of another host has no randomUUID
    const mark: Mark = { id, kind: this.adding, level: null, score: null, truncated: false, rle: null,
      outline: [], border: [], centre: [0, 0], measures: {} };
    this.setTool("points");
    this.queue(async () => {
      const marks = [...this.history.now, mark];
      this.history.push(await api.edit(this.job, this.shown.key, marks, { place: marks.length - 1, ...how }));
      this.choose(id);
    });
  }

  private startAdding(kind: Kind): void {
    this.adding = kind;
    this.setTool("draw");
    tell("Drag a box around it: the network outlines it. Or click points around it; Enter or a double click closes the outline, Escape gives up.");
  }

  private show(id: string, visible: boolean): void {
    if (visible) this.overlay.hidden.delete(id);
    else this.overlay.hidden.add(id);
    this.overlay.draw();
  }

  private rename(id: string, level: string | null): void {
    this.queue(async () => {
      this.history.push(this.history.now.map((one) => (one.id === id ? { ...one, level } : one)));
      this.render();
    });
  }

  private remove(id: string): void {
    this.queue(async () => {
      this.history.push(this.history.now.filter((one) => one.id !== id));
      this.choose(null);
    });
  }

  private walk(back: boolean): void {
    this.queue(async () => {
      if (back) this.history.undo();
      else this.history.redo();
      this.render();
    });
  }

  /** What changes the instances waits for what is under way. */
  private queue(work: () => Promise<void>): void {
    this.pending += 1;
    this.busy = this.busy.then(() => attempt(work)).finally(() => (this.pending -= 1));
  }

  private askSave(): void {
    if (!this.unsaved) return tell("Nothing was changed since the last version.");
    hush();
    const who = h("input", { id: "who", required: true, maxlength: 100, value: localStorage.getItem("who") ?? "" });
    const note = h("textarea", { id: "note", maxlength: 2000, rows: 3 });
    const dialog = h("dialog", {},
      h("form", { method: "dialog", submit: () => {
        localStorage.setItem("who", who.value);
        void this.save(who.value, note.value);
      } },
        h("h2", {}, "Save as a new version"),
        h("p", { class: "soft" }, "The original stays. What was changed is written down with your name and the time."),
        h("label", {}, "Your name ", who), h("label", {}, "Note ", note),
        h("p", {}, h("button", { class: "main", type: "submit", id: "confirm" }, "Save"), " ",
          h("button", { type: "button", click: () => dialog.close() }, "Back"))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  private async save(who: string, note: string): Promise<void> {
    await this.busy;
    const marks = this.history.now;
    await attempt(async () => {
      const key = await this.sendVersion(marks, who, note);
      this.saved = marks;
      await this.busy; // what was begun in the meantime
      if (this.unsaved) return tell(`saved as ${key}; what was changed since then is not`);
      tell(`saved as ${key}`);
      location.hash = `#/${this.job}/${encodeURIComponent(key)}`;
    });
  }

  /** Save; where somebody else saved a version in the meantime, only if the reader says so. */
  private async sendVersion(marks: Mark[], who: string, note: string): Promise<string> {
    const send = async (known: string[] | null): Promise<string> =>
      (await api.save(this.job, this.shown.key, marks, who, note, known)).key;
    try {
      return await send(this.shown.versions);
    } catch (error) {
      const met = error instanceof Refused && error.status === 409 && error.message.includes("in the meantime");
      if (!met || !window.confirm(`${error.message}. Save yours as a further version beside it?`)) throw error;
      return send(null);
    }
  }

  private segment(slice: number): void {
    void attempt(async () => {
      const wanted = (await api.slice(this.job, this.shown.key, slice)).key;
      tell(`slice ${slice} is being segmented`);
      this.following?.close();
      this.following = api.follow(this.job, (job) => {
        if (!OVER.includes(job.state)) return;
        const made = job.results.find((one) => one.key === wanted);
        if (made) {
          const link = h("a", { href: `#/${this.job}/${encodeURIComponent(made.key)}`, id: "made" }, `Open slice ${slice}`);
          this.curvePlace.append(h("p", {}, link));
          if (!this.unsaved) link.click();
          else tell(`slice ${slice} is done: the link is below the curve`);
        } else tell(job.message || "nothing was found on this slice", true);
      });
    });
  }

  // ---- what is shown

  private choose(id: string | null): void {
    this.overlay.chosen = id;
    this.render();
    this.table.reveal();
  }

  private chooseNext(back: boolean): void {
    const down = headToFoot(this.history.now);
    const ids = down.map((one) => one.id);
    const place = this.overlay.chosen === null ? (back ? 0 : -1) : ids.indexOf(this.overlay.chosen);
    this.choose(ids[(place + (back ? ids.length - 1 : 1)) % ids.length] ?? null);
  }

  private setTool(tool: Tool): void {
    this.overlay.tool = tool;
    hush(); // what was said of the tool before
    if ((tool === "paint" || tool === "erase") && this.overlay.chosen === null) {
      tell("Choose a body or disc first: click on it or in the list.");
    }
    if (tool !== "draw") this.overlay.stopDrawing();
    this.render();
  }

  private viewed(): void {
    this.overlay.visible = this.viewer.slice === this.shown.selected_slice && !this.off;
    this.overlay.draw();
    const [low, high] = this.viewer.greyRange;
    this.greys.update([low, high]);
    this.grey.textContent = `slice ${this.viewer.slice} · grey ${Math.round(low)} to ${Math.round(high)}`;
    if (this.drawnAt !== this.viewer.slice) this.drawCurve();
  }

  private following: EventSource | undefined;
  private off = false;
  private drawnAt = -1;

  private drawCurve(): void {
    const { shown, viewer } = this;
    this.drawnAt = viewer.slice;
    const parts: HTMLElement[] = [];
    if (viewer.slice !== shown.selected_slice) {
      parts.push(h("p", {}, `Outlined is slice ${shown.selected_slice}. `,
        h("button", { id: "segment", click: () => this.segment(viewer.slice) }, `Segment slice ${viewer.slice} instead`), " ",
        h("button", { click: () => viewer.show(shown.selected_slice) }, "Go back")));
    }
    if (shown.trace.length < shown.n_slices) {
      const few = shown.trace.length === 1 ? "Only this slice was searched."
        : `${shown.trace.length} of ${shown.n_slices} slices were searched: a few over all of the series, then those beside the best.`;
      parts.unshift(h("p", { class: "soft" }, few));
    }
    this.curvePlace.replaceChildren(curve(shown, viewer.slice, (slice) => viewer.show(slice)), ...parts);
  }

  private render(): void {
    const { overlay, history } = this;
    overlay.marks = history.now;
    this.viewed();
    if (this.told !== this.allNamed) { // else what the reader folded would open again
      this.told = this.allNamed;
      this.notes.replaceChildren(...this.story());
    }
    this.table.update({ marks: headToFoot(history.now), chosen: overlay.chosen, hidden: overlay.hidden });
    this.toolbar.update({ tool: overlay.tool, adding: this.adding, radius: overlay.radius,
      canUndo: history.canUndo, canRedo: history.canRedo });
  }

  private key(event: KeyboardEvent): void {
    if ((event.target as HTMLElement).closest("input:not([type=checkbox]), textarea, select, dialog")) return;
    const { overlay, viewer } = this;
    const control = event.ctrlKey || event.metaKey;
    const acts: Record<string, () => void> = control
      ? { z: () => this.walk(!event.shiftKey), y: () => this.walk(false), s: () => this.askSave() }
      : {
          arrowup: () => viewer.show(viewer.slice - 1), arrowdown: () => viewer.show(viewer.slice + 1),
          delete: () => overlay.chosen !== null && this.remove(overlay.chosen),
          backspace: () => overlay.chosen !== null && this.remove(overlay.chosen),
          p: () => this.setTool("points"), b: () => this.setTool("paint"), e: () => this.setTool("erase"),
          m: () => this.setTool("pan"), c: () => this.setTool("grey"), h: () => { this.off = !this.off; this.viewed(); },
          "[": () => { overlay.radius = Math.max(1, overlay.radius - 1); this.render(); },
          "]": () => { overlay.radius = Math.min(20, overlay.radius + 1); this.render(); },
          "+": () => viewer.zoom(1.2, [viewer.canvas.clientWidth / 2, viewer.canvas.clientHeight / 2]),
          "-": () => viewer.zoom(1 / 1.2, [viewer.canvas.clientWidth / 2, viewer.canvas.clientHeight / 2]),
          "0": () => viewer.reset(), n: () => this.chooseNext(event.shiftKey),
          j: () => void this.judging.go(1), k: () => void this.judging.go(-1), a: () => this.judging.decide("accept"),
          r: () => this.judging.decide("reject"), t: () => this.judging.decide(""),
          ...(overlay.tool === "draw" ? { enter: () => overlay.finishDrawing() } : {}),
          escape: () => { overlay.stopDrawing(); this.setTool("points"); this.choose(null); },
        };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
