import { expect, test } from "vitest";
import { rangeOf, windowOf } from "../src/grey";

test("level and width are the range's middle and length", () => {
  expect(rangeOf([40, 400])).toEqual([-160, 240]);
  expect(windowOf([-160, 240])).toEqual([40, 400]);
});
