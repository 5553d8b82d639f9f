// Every state of the instances since the result was opened: undo and redo walk through them.

import type { Mark } from "./api";

export class History {
  private states: Mark[][];
  private place = 0;

  constructor(first: Mark[]) {
    this.states = [first];
  }

  get now(): Mark[] {
    return this.states[this.place];
  }

  get canUndo(): boolean {
    return this.place > 0;
  }

  get canRedo(): boolean {
    return this.place < this.states.length - 1;
  }

  push(state: Mark[]): void {
    this.states = [...this.states.slice(0, this.place + 1), state];
    this.place += 1;
  }

  undo(): void {
    if (this.canUndo) this.place -= 1;
  }

  redo(): void {
    if (this.canRedo) this.place += 1;
  }
}
