// How many bodies were found on each slice; a click goes to the slice.

import type { Shown } from "./api";
import { s } from "./dom";

const WIDTH = 340;
const HEIGHT = 96;
const BASE = 78;

export function curve(shown: Shown, at: number, go: (slice: number) => void): SVGSVGElement {
  const most = Math.max(1, ...shown.trace.map((one) => one.bodies));
  const step = WIDTH / shown.n_slices;
  const place = (index: number): number => (index + 0.5) * step;
  const width = Math.max(2, Math.min(16, (WIDTH / shown.trace.length) * 0.7));
  const bars = shown.trace.map((one) => {
    const tall = Math.max(1, (BASE - 8) * (one.bodies / most));
    const chosen = one.index === shown.selected_slice;
    return s("rect", {
      x: place(one.index) - width / 2, y: BASE - tall, width, height: tall,
      class: chosen ? "bar chosen" : "bar", "data-slice": one.index,
    }, s("title", {}, `slice ${one.index}: ${one.bodies} bodies, ${one.discs} discs`));
  });
  const largest = Math.max(1, ...shown.trace.map((one) => one.area_px));
  const line = shown.trace.map((one) =>
    `${place(one.index).toFixed(1)} ${(BASE - (BASE - 8) * (one.area_px / largest)).toFixed(1)}`).join(" L");
  const area = s("path", { d: `M${line}`, class: "area" }, s("title", {}, "total area of the bodies' boxes"));
  const picture = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "slider", tabindex: 0,
    "aria-label": "slice", "aria-valuemin": 0, "aria-valuemax": shown.n_slices - 1, "aria-valuenow": at,
  },
    s("line", { x1: 0, x2: WIDTH, y1: BASE, y2: BASE, class: "axis" }), ...bars, area,
    s("path", { d: `M${place(at)} 2 V${BASE}`, class: "at" }),
    s("text", { x: place(at), y: HEIGHT - 4, "text-anchor": at < shown.n_slices / 2 ? "start" : "end" }, `slice ${at}`));
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(Math.min(shown.n_slices - 1, Math.max(0, at + by)));
  });
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    go(Math.min(shown.n_slices - 1, Math.max(0, Math.floor(share * shown.n_slices))));
  });
  return picture;
}
