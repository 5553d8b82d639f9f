// How an outline follows a hand.

import type { Polygon } from "./api";

const REACH = 0.18; // share of the outline, to either side, within which points follow the dragged one

/** How much each point of a ring follows the dragged one: 1 itself, 0 from `REACH` on. */
export function following(ring: Polygon, dragged: number): number[] {
  const around = ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    return sum + Math.hypot(nextX - x, nextY - y);
  }, 0);
  const reach = REACH * around;
  const away = new Array<number>(ring.length).fill(Infinity);
  for (const step of [1, -1]) {
    let length = 0;
    for (let i = 0; i < ring.length; i += 1) {
      const at = (((dragged + step * i) % ring.length) + ring.length) % ring.length;
      const next = (((at + step) % ring.length) + ring.length) % ring.length;
      away[at] = Math.min(away[at], length);
      length += Math.hypot(ring[next][0] - ring[at][0], ring[next][1] - ring[at][1]);
    }
  }
  return away.map((length) => (length < reach ? (1 + Math.cos((Math.PI * length) / reach)) / 2 : 0));
}

/** A ring with its points moved by `by`, each as far as it follows. */
export function moved(ring: Polygon, parts: number[], by: [number, number]): Polygon {
  return ring.map(([x, y], p) => [x + by[0] * parts[p], y + by[1] * parts[p]]);
}
