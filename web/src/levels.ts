// Names of vertebral bodies and discs, from the head down.

import type { Kind, Mark } from "./api";

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);

const BODIES = [...numbered("C", 7), ...numbered("T", 13), ...numbered("L", 6), "S1"];
const USUAL = BODIES.filter((level) => level !== "T13" && level !== "L6");
const DISCS = [
  ...USUAL.slice(1).map((level, i) => `${USUAL[i]}-${level}`),
  "T12-T13", "T13-L1", "L5-L6", "L6-S1",
];

export const levelsOf = (kind: Kind): string[] => (kind === "vertebral_body" ? BODIES : DISCS);
export const kindName = (kind: Kind): string => (kind === "vertebral_body" ? "body" : "disc");
export const nameOf = (mark: Mark): string =>
  mark.level ?? `${kindName(mark.kind)} ${mark.measures.order ?? ""}`.trim();
export const colourOf = (mark: Mark): string =>
  mark.kind === "vertebral_body" ? "#ffd23f" : "#3fc1ff";
