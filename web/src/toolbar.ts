// The tools over the picture; the buttons stay the same nodes while their state changes.

import type { Kind } from "./api";
import { h } from "./dom";
import { kindName } from "./levels";
import type { Tool } from "./overlay";

const TOOLS: [Tool, string, string][] = [
  ["points", "Points", "p"], ["paint", "Brush", "b"], ["erase", "Eraser", "e"], ["pan", "Move", "m"],
  ["grey", "Contrast", "c"],
];

export interface ToolActs {
  use(tool: Tool): void;
  add(kind: Kind): void;
  size(radius: number): void;
  undo(): void;
  redo(): void;
  reset(): void;
}

interface ToolLook {
  tool: Tool;
  adding: Kind;
  radius: number;
  canUndo: boolean;
  canRedo: boolean;
}

export class Toolbar {
  readonly node: HTMLElement;
  private tools: Map<Tool, HTMLButtonElement>;
  private adders: Map<Kind, HTMLButtonElement>;
  private size: HTMLInputElement;
  private undo: HTMLButtonElement;
  private redo: HTMLButtonElement;

  constructor(acts: ToolActs) {
    this.tools = new Map(TOOLS.map(([tool, text, key]) =>
      [tool, h("button", { title: `${text} (${key})`, "data-tool": tool, click: () => acts.use(tool) }, text)]));
    this.adders = new Map((["vertebral_body", "intervertebral_disc"] as Kind[]).map((kind) =>
      [kind, h("button", { "data-add": kind, click: () => acts.add(kind) }, `Add ${kindName(kind)}`)]));
    this.size = h("input", { type: "range", min: 1, max: 20, "aria-label": "brush radius in pixels", title: "brush radius",
      input: () => acts.size(Number(this.size.value)) });
    this.undo = h("button", { id: "undo", title: "Ctrl+Z", click: () => acts.undo() }, "Undo");
    this.redo = h("button", { id: "redo", title: "Ctrl+Shift+Z", click: () => acts.redo() }, "Redo");
    this.node = h("div", { class: "tools", role: "toolbar" }, ...this.tools.values(), this.size, ...this.adders.values(),
      this.undo, this.redo, h("button", { click: () => acts.reset() }, "Reset view"));
  }

  update({ tool, adding, radius, canUndo, canRedo }: ToolLook): void {
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(name === tool));
    for (const [kind, button] of this.adders) {
      button.setAttribute("aria-pressed", String(tool === "draw" && kind === adding));
    }
    this.size.value = String(radius);
    this.size.disabled = tool !== "paint" && tool !== "erase";
    this.undo.disabled = !canUndo;
    this.redo.disabled = !canRedo;
  }
}
