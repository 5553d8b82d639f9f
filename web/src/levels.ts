// What bodies and discs are called; the levels themselves come from the server.

import type { About, Kind, Mark } from "./api";

export const levelsOf = (about: About, kind: Kind): string[] =>
  kind === "vertebral_body" ? about.body_levels : about.disc_levels;
export const kindName = (kind: Kind): string => (kind === "vertebral_body" ? "body" : "disc");
export const nameOf = (mark: Mark): string =>
  mark.level ?? `${kindName(mark.kind)} ${mark.measures.order ?? ""}`.trim();
export const colourOf = (mark: Mark): string =>
  mark.kind === "vertebral_body" ? "#ffd23f" : "#3fc1ff";
