// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import type { About, Mark } from "../src/api";
import { levelsOf, nameOf } from "../src/levels";
import { InstanceTable } from "../src/table";
import { wordsOf } from "../src/warnings";

const about = { body_levels: ["L4", "L5", "S1"], disc_levels: ["L4-L5"], unsure_score: 0.8 } as About;
const mark = (id: string, level: string | null, rest: Partial<Mark> = {}): Mark => ({
  id, level, kind: "vertebral_body", score: 0.9, truncated: false, rle: null, outline: [], centre: [0, 0],
  measures: { order: 1, area_mm2: 612.4, height_anterior_mm: 27.12 }, ...rest,
});
const acts = () => ({ choose: vi.fn(), rename: vi.fn(), remove: vi.fn(), nameAll: vi.fn(), show: vi.fn() });

function opened(marks: Mark[], chosen: string | null = null) {
  const done = acts();
  const table = new InstanceTable(about, true, done);
  document.body.replaceChildren(table.node);
  const look = { marks, chosen, hidden: new Set<string>() };
  table.update(look);
  return { table, done, look, row: (id: string) => table.node.querySelector<HTMLElement>(`[data-id="${id}"]`)! };
}

test("focus stays on a row and on its level while the instances change", () => {
  const { table, look, row } = opened([mark("a", "L5"), mark("b", "L4")], "a");
  const select = row("a").querySelector("select")!;
  select.focus();
  table.update({ ...look, marks: [mark("a", "S1"), mark("b", "L5"), mark("c", "L4")] });
  expect(document.activeElement).toBe(select);
  expect(select.value).toBe("S1");
  row("b").focus();
  table.update({ ...look, marks: [mark("b", "L5"), mark("c", "L4")], chosen: "b" });
  expect(document.activeElement).toBe(row("b"));
  expect(row("a")).toBeNull();
});

test("measures, doubts and actions are those of the instance", () => {
  const { row, table, done } = opened([mark("a", "L5", { score: 0.5, truncated: true }), mark("b", "L5", { score: null })], "a");
  expect(row("a").textContent).toContain("612");
  expect(row("a").textContent).toContain("27.1/–/–");
  expect(row("a").querySelector(".doubt")!.textContent).toBe("cut off, unsure, named twice");
  expect(row("b").textContent).toContain("by hand");
  const poor = mark("c", "L3", { measures: { order: 3, quality: 0.71, poor: true } });
  expect(opened([poor]).row("c").querySelector(".doubt")!.textContent).toBe("probably poor");
  const [remove, all] = table.node.querySelectorAll<HTMLButtonElement>("tr.actions button");
  remove.click();
  all.click();
  expect(done.remove).toHaveBeenCalledWith("a");
  expect(done.nameAll).toHaveBeenCalledWith("a");
  row("b").click();
  expect(done.choose).toHaveBeenCalledWith("b");
});

test("names come from the level, or from the kind and its place", () => {
  expect(nameOf(mark("a", "L5"))).toBe("L5");
  expect(nameOf(mark("a", null))).toBe("body 1");
  expect(levelsOf(about, "intervertebral_disc")).toEqual(["L4-L5"]);
});

test("a warning gets words on what can be done here", () => {
  const words = wordsOf({ code: "level-unknown", severity: "note", text: "not every level is known" });
  expect(words).toContain("Name all from here");
  expect(wordsOf({ code: "other", severity: "check", text: "so" })).toBe("so");
});
