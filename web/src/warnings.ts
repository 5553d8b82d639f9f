// What can be done about a warning, on this page; the warning's own words come from the server.

import type { Shown } from "./api";

const HINTS: Record<string, string> = {
  "level-unknown": "Choose a body, give it its level in the list, then press Name all from here.",
  "level-unsure": "If one of them is certain to you, give it its level and press Name all from here.",
  "modality-assumed": "If that is wrong, upload the study again and choose what it is.",
};

/** The text to show for a warning. */
export function wordsOf(warning: Shown["warnings"][number]): string {
  const hint = HINTS[warning.code];
  return hint ? `${warning.text}. ${hint}` : warning.text;
}
