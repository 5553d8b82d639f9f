// Grey values: presets by name, level and width by number.

import type { Point } from "./api";
import { h } from "./dom";

/** Level and width in Hounsfield units, as radiology has them. */
const OF_CT: Record<string, Point> = { bone: [400, 1800], "soft tissue": [40, 400] };

/** Black and white of a level and a width. */
export const rangeOf = ([level, width]: Point): Point => [level - width / 2, level + width / 2];
/** Level and width of black and white. */
export const windowOf = ([low, high]: Point): Point => [(low + high) / 2, high - low];

export class Grey {
  readonly node: HTMLElement;
  private preset: HTMLSelectElement;
  private level: HTMLInputElement;
  private width: HTMLInputElement;

  constructor(modality: string | null, ranges: () => { auto: Point; full: Point }, use: (range: Point) => void) {
    const known = modality === "CT" ? OF_CT : {};
    const names = ["auto", "full range", ...Object.keys(known)];
    this.preset = h("select", { id: "preset", "aria-label": "grey values", change: () => {
      const { auto, full } = ranges();
      const name = this.preset.value;
      if (name === "auto") use(auto);
      else if (name === "full range") use(full);
      else if (known[name]) use(rangeOf(known[name]));
    } }, ...names.map((name) => h("option", { value: name }, name)), h("option", { value: "", hidden: true }, "own"));
    const own = (): void => {
      this.preset.value = "";
      use(rangeOf([Number(this.level.value), Math.max(1e-3, Number(this.width.value))]));
    };
    this.level = h("input", { type: "number", step: "any", id: "level", "aria-label": "level", title: "level", change: own });
    this.width = h("input", { type: "number", step: "any", min: 0, id: "width", "aria-label": "width", title: "width", change: own });
    this.node = h("div", { class: "greys" }, h("label", {}, "Grey ", this.preset), h("label", {}, "level ", this.level),
      h("label", {}, "width ", this.width));
  }

  /** Show the range in use. */
  update(range: Point): void {
    const shown = (value: number): string => String(Number(value.toPrecision(4)));
    const [level, width] = windowOf(range);
    if (document.activeElement !== this.level) this.level.value = shown(level);
    if (document.activeElement !== this.width) this.width.value = shown(width);
  }
}
