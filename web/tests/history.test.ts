import { expect, test } from "vitest";
import type { Mark } from "../src/api";
import { History } from "../src/history";

const state = (id: string): Mark[] => [{ id } as Mark];

test("undo and redo walk through the states", () => {
  const history = new History(state("a"));
  expect([history.canUndo, history.canRedo]).toEqual([false, false]);
  history.push(state("b"));
  history.push(state("c"));
  history.undo();
  expect(history.now).toEqual(state("b"));
  history.redo();
  expect(history.now).toEqual(state("c"));
  history.redo();
  expect(history.now).toEqual(state("c"));
});

test("a change after undo takes the place of what was undone", () => {
  const history = new History(state("a"));
  history.push(state("b"));
  history.undo();
  history.push(state("c"));
  expect(history.canRedo).toBe(false);
  history.undo();
  expect(history.now).toEqual(state("a"));
});
