import { expect, test } from "vitest";
import type { Polygon } from "../src/api";
import { following, moved } from "../src/outline";

const circle = (points: number): Polygon =>
  Array.from({ length: points }, (_, i) => [
    10 * Math.cos((2 * Math.PI * i) / points), 10 * Math.sin((2 * Math.PI * i) / points),
  ]);

test("the dragged point follows wholly, its neighbours less, the far side not at all", () => {
  const parts = following(circle(40), 0);
  expect(parts[0]).toBe(1);
  expect(parts[1]).toBeGreaterThan(parts[2]);
  expect(parts[1]).toBeCloseTo(parts[39], 9); // the same to either side
  expect(parts[20]).toBe(0);
  expect(parts.filter((part) => part > 0)).toHaveLength(15); // 18 % of the way round, to either side
});

test("a ring of three points moves its dragged point alone", () => {
  const ring: Polygon = [[0, 0], [10, 0], [0, 10]];
  expect(moved(ring, following(ring, 1), [2, 3])).toEqual([[0, 0], [12, 3], [0, 10]]);
});
