// Outlines over the slice, and what the hand does on them: choose, drag a point, paint, draw.

import type { Mark, Point, Polygon } from "./api";
import { s } from "./dom";
import { colourOf, nameOf } from "./levels";
import { following, moved } from "./outline";
import type { Viewer } from "./viewer";

const DRAGGED = 6; // pixels of the screen from which on a click is a drag

export type Tool = "points" | "paint" | "erase" | "draw" | "pan" | "grey";

export interface Hand {
  choose(id: string | null): void;
  moved(id: string, before: Polygon[], after: Polygon[]): void;
  painted(id: string, how: "paint" | "erase", stroke: Point[], radius: number): void;
  drawn(outline: Polygon): void;
  boxed(corners: [Point, Point]): void;
}

export class Overlay {
  readonly svg: SVGSVGElement;
  marks: Mark[] = [];
  hidden = new Set<string>();
  chosen: string | null = null;
  tool: Tool = "points";
  radius = 4;
  visible = true;
  readonly forget: () => void;
  private stroke: Point[] | null = null;
  private drawing: Polygon = [];
  private box: [Point, Point] | null = null;
  private ring: Point | null = null;
  private dragged: { id: string; before: Polygon[]; after: Polygon[] } | null = null;
  private touches = new Map<number, Point>();

  constructor(private viewer: Viewer, private hand: Hand) {
    this.svg = s("svg", { class: "overlay", role: "group", "aria-label": "outlines" });
    this.svg.addEventListener("pointerdown", (event) => this.down(event));
    this.svg.addEventListener("pointermove", (event) => this.hover(this.at(event)));
    this.svg.addEventListener("pointerleave", () => this.hover(null));
    this.svg.addEventListener("contextmenu", (event) => event.preventDefault());
    this.svg.addEventListener("dblclick", () => this.finishDrawing());
    const gone = (event: PointerEvent): void => void this.touches.delete(event.pointerId);
    window.addEventListener("pointerup", gone, true);
    window.addEventListener("pointercancel", gone, true);
    this.forget = () => {
      window.removeEventListener("pointerup", gone, true);
      window.removeEventListener("pointercancel", gone, true);
    };
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  private at(event: MouseEvent): Point {
    const box = this.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** The brush's size shows as a ring under the pointer. */
  private hover(at: Point | null): void {
    const shows = this.tool === "paint" || this.tool === "erase";
    this.ring = shows ? at : null;
    if (shows) this.draw();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey) this.viewer.zoom(Math.exp(-event.deltaY / 300), this.at(event));
    else this.viewer.show(this.viewer.slice + Math.sign(event.deltaY));
  }

  /** Follow the pointer until it is let go. */
  private follow(event: PointerEvent, move: (by: Point, at: Point) => void, end?: () => void): void {
    let last = this.at(event);
    this.svg.setPointerCapture(event.pointerId);
    const moved = (next: PointerEvent): void => {
      if (next.pointerId !== event.pointerId) return;
      const now = this.at(next);
      move([now[0] - last[0], now[1] - last[1]], now);
      last = now;
    };
    const ended = (next: PointerEvent): void => {
      if (next.pointerId !== event.pointerId) return;
      this.svg.removeEventListener("pointermove", moved);
      this.svg.removeEventListener("pointerup", ended);
      this.svg.removeEventListener("pointercancel", ended);
      end?.();
    };
    this.svg.addEventListener("pointermove", moved);
    this.svg.addEventListener("pointerup", ended);
    this.svg.addEventListener("pointercancel", ended);
  }

  private down(event: PointerEvent): void {
    const at = this.at(event);
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, at);
      if (this.touches.size === 2) return this.pinch(event);
    }
    if (event.button === 2 || this.tool === "grey") return this.follow(event, (by) => this.viewer.window(by));
    if (event.button === 1 || event.shiftKey || this.tool === "pan") {
      return this.follow(event, (by) => this.viewer.pan(by));
    }
    if (event.button !== 0 || !this.visible) return;
    if (this.tool === "draw") return this.boxOrPoint(event, at);
    if ((this.tool === "paint" || this.tool === "erase") && this.chosen !== null) {
      return this.paint(event, this.chosen);
    }
    const target = event.target as SVGElement;
    if (target.dataset.point !== undefined && this.chosen !== null) {
      return this.drag(event, this.chosen, Number(target.dataset.ring), Number(target.dataset.point));
    }
    this.hand.choose(target.dataset.id ?? null);
  }

  /** A box around something where the pointer is dragged, else a point of its outline. */
  private boxOrPoint(event: PointerEvent, at: Point): void {
    const start = this.viewer.toSlice(at);
    let far = false;
    this.follow(
      event,
      (_, now) => {
        far ||= Math.hypot(now[0] - at[0], now[1] - at[1]) > DRAGGED;
        if (far && !this.drawing.length) this.box = [start, this.viewer.toSlice(now)];
        this.draw();
      },
      () => {
        const { box } = this;
        this.box = null;
        if (box) this.hand.boxed(box);
        else this.drawing.push(start);
        this.draw();
      },
    );
  }

  private pinch(event: PointerEvent): void {
    this.stroke = this.dragged = this.box = null; // two fingers are no stroke
    const other = [...this.touches.entries()].find(([id]) => id !== event.pointerId)![1];
    let apart = Math.hypot(this.at(event)[0] - other[0], this.at(event)[1] - other[1]);
    this.follow(event, (by, at) => {
      const now = Math.hypot(at[0] - other[0], at[1] - other[1]);
      this.viewer.zoom(now / Math.max(1, apart), [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]);
      this.viewer.pan([by[0] / 2, by[1] / 2]);
      apart = now;
    });
  }

  private paint(event: PointerEvent, id: string): void {
    const how = this.tool as "paint" | "erase";
    this.stroke = [this.viewer.toSlice(this.at(event))];
    this.draw();
    this.follow(
      event,
      (_, at) => {
        this.stroke?.push(this.viewer.toSlice(at));
        this.draw();
      },
      () => {
        if (this.stroke) this.hand.painted(id, how, this.stroke, this.radius);
        this.stroke = null;
        this.draw();
      },
    );
  }

  private drag(event: PointerEvent, id: string, ring: number, point: number): void {
    const mark = this.marks.find((one) => one.id === id)!;
    const before = mark.outline;
    const start = this.viewer.toSlice(this.at(event));
    const parts = following(before[ring], point);
    this.dragged = { id, before, after: before };
    this.follow(
      event,
      (_, at) => {
        const now = this.viewer.toSlice(at);
        const by: Point = [now[0] - start[0], now[1] - start[1]];
        const after = before.map((polygon, r) =>
          r === ring ? moved(polygon, parts, by) : polygon,
        );
        if (this.dragged) this.dragged.after = after;
        this.draw();
      },
      () => {
        const dragged = this.dragged;
        this.dragged = null;
        if (dragged && dragged.after !== dragged.before) {
          this.hand.moved(id, dragged.before, dragged.after);
        }
        this.draw();
      },
    );
  }

  finishDrawing(): void {
    if (this.tool !== "draw") return;
    const outline = this.drawing.filter(
      (p, i, all) => i === 0 || Math.hypot(p[0] - all[i - 1][0], p[1] - all[i - 1][1]) > 0.5,
    );
    this.drawing = [];
    if (outline.length > 2) this.hand.drawn(outline);
    this.draw();
  }

  stopDrawing(): void {
    this.drawing = [];
    this.box = null;
    this.draw();
  }

  private path(outline: Polygon[]): string {
    const points = (polygon: Polygon): string =>
      polygon.map((p) => this.viewer.toScreen(p).map((v) => v.toFixed(1)).join(" ")).join(" L");
    return outline.map((polygon) => `M${points(polygon)} Z`).join(" ");
  }

  draw(): void {
    const parts: SVGElement[] = [];
    this.svg.dataset.tool = this.tool;
    for (const mark of this.visible ? this.marks : []) {
      if (this.hidden.has(mark.id)) continue;
      const isChosen = mark.id === this.chosen;
      const inHand = isChosen && this.tool === "points";
      const outline = this.dragged?.id === mark.id ? this.dragged.after : mark.outline;
      // the mask's own border, but for what is being dragged
      const shown = this.dragged?.id === mark.id || !mark.border.length ? outline : mark.border;
      const colour = colourOf(mark);
      parts.push(
        s("path", {
          d: this.path(shown), stroke: colour, "data-id": mark.id,
          class: isChosen ? "chosen" : "", role: "img", "aria-label": nameOf(mark),
        }),
      );
      const [x, y] = this.viewer.toScreen(mark.centre);
      const label = mark.level ?? String(mark.measures.order ?? "");
      parts.push(s("text", { x, y, fill: colour }, label));
      if (inHand) {
        outline.forEach((polygon, ring) =>
          polygon.forEach((p, point) => {
            const [cx, cy] = this.viewer.toScreen(p);
            parts.push(
              s("circle", { cx, cy, r: 4.5, class: "handle", "data-ring": ring, "data-point": point }),
            );
          }),
        );
      }
    }
    if (this.stroke) {
      const d = `M${this.stroke.map((p) => this.viewer.toScreen(p).join(" ")).join(" L")}`;
      const width = 2 * this.radius * this.viewer.scale;
      // a dot is a line of no length
      parts.push(s("path", { d: `${d} h0.01`, class: `stroke ${this.tool}`, "stroke-width": width }));
    }
    if (this.box) {
      const [[x0, y0], [x1, y1]] = this.box.map((p) => this.viewer.toScreen(p));
      parts.push(s("rect", { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0), class: "box" }));
    }
    if (this.ring && (this.tool === "paint" || this.tool === "erase")) {
      const [cx, cy] = this.ring;
      parts.push(s("circle", { cx, cy, r: this.radius * this.viewer.scale, class: `brush ${this.tool}` }));
    }
    if (this.drawing.length) {
      const d = `M${this.drawing.map((p) => this.viewer.toScreen(p).join(" ")).join(" L")}`;
      parts.push(s("path", { d, class: "drawing" }));
      for (const p of this.drawing) {
        const [cx, cy] = this.viewer.toScreen(p);
        parts.push(s("circle", { cx, cy, r: 4, class: "dot" }));
      }
    }
    this.svg.replaceChildren(...parts);
  }
}
