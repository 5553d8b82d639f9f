// Small helpers to build the page.

type Attributes = Record<string, string | number | boolean | EventListener | undefined>;

function fill<T extends Element>(node: T, attributes: Attributes, children: (Node | string)[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K, attributes: Attributes = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, children);
}

export function s<K extends keyof SVGElementTagNameMap>(
  name: K, attributes: Attributes = {}, ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

let hide = 0;

/** Tell the person something at the lower border for some seconds. */
export function tell(text: string, wrong = false): void {
  const place = document.getElementById("told")!;
  place.textContent = text;
  place.className = wrong ? "shown wrong" : "shown";
  window.clearTimeout(hide);
  hide = window.setTimeout(() => (place.className = ""), wrong ? 9000 : 4000);
}

/** Take back what was told, unless it is of something that went wrong. */
export function hush(): void {
  const place = document.getElementById("told")!;
  if (!place.classList.contains("wrong")) place.className = "";
}

/** Run something; what goes wrong is told. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error), true);
    return undefined;
  }
}
