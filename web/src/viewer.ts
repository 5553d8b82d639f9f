// The slices: NiiVue draws them; this keeps which slice, where and in which grey levels.
// Places on the slice are pixels (x, y): 0, 0 is the middle of the upper left pixel.

import { Niivue, SLICE_TYPE } from "@niivue/niivue";
import type { Point } from "./api";

export class Viewer {
  readonly canvas: HTMLCanvasElement;
  slice = 0;
  count = 1;
  onview: () => void = () => {};
  private watch = new ResizeObserver(() => requestAnimationFrame(() => this.draw()));
  private nv: Niivue;
  private spacing: Point = [1, 1];

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.nv = new Niivue({
      crosshairWidth: 0, show3Dcrosshair: false, isColorbar: false, isRuler: false,
      isOrientationTextVisible: false, isOrientCube: false, dragAndDropEnabled: false,
      backColor: [0, 0, 0, 1], textHeight: 0, isRadiologicalConvention: false, logLevel: "error",
      loadingText: "",
    } as ConstructorParameters<typeof Niivue>[0]);
  }

  async open(url: string, spacing: [number, number] | null, slice: number): Promise<void> {
    await this.nv.attachToCanvas(this.canvas);
    await this.nv.loadVolumes([{ url, name: "slices.nii" }]);
    this.nv.setSliceType(SLICE_TYPE.AXIAL); // of the file's axes: column, row, slice of the page
    this.spacing = spacing ? [spacing[1], spacing[0]] : [1, 1];
    this.count = this.nv.volumes[0].dims![3];
    this.show(slice);
    this.watch.observe(this.canvas);
  }

  /** Let go of the volume and of the graphics context, of which a browser has few. */
  close(): void {
    this.watch.disconnect();
    this.onview = () => {};
    this.nv.volumes = [];
    this.canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  }

  show(slice: number): void {
    this.slice = Math.min(this.count - 1, Math.max(0, slice));
    const place = this.nv.vox2frac([0, 0, this.slice]);
    this.nv.scene.crosshairPos[2] = place[2];
    this.draw();
  }

  draw(): void {
    if (!this.nv.volumes.length) return;
    this.nv.drawScene();
    this.onview();
  }

  // CSS pixels of the canvas from pixels of the slice: [scale x, scale y, left, top].
  private map(): [number, number, number, number] {
    const tile = this.nv.screenSlices[0];
    const ratio = this.canvas.width / this.canvas.clientWidth || 1;
    const [left, top, width, height] = tile.leftTopWidthHeight.map((v) => v / ratio);
    const mmX = width / tile.fovMM[0];
    const mmY = height / tile.fovMM[1];
    return [
      mmX * this.spacing[0], mmY * this.spacing[1],
      left - tile.leftTopMM[0] * mmX, top + height + tile.leftTopMM[1] * mmY,
    ];
  }

  toScreen([x, y]: Point): Point {
    const [sx, sy, left, top] = this.map();
    return [left + x * sx, top + y * sy];
  }

  toSlice([x, y]: Point): Point {
    const [sx, sy, left, top] = this.map();
    return [(x - left) / sx, (y - top) / sy];
  }

  /** CSS pixels that a pixel of the slice is wide. */
  get scale(): number {
    return this.map()[0];
  }

  /** Zoom about a place on the screen. */
  zoom(factor: number, at: Point): void {
    const before = this.toSlice(at);
    const view = this.nv.scene.pan2Dxyzmm;
    view[3] = Math.min(20, Math.max(0.5, view[3] * factor));
    this.nv.drawScene();
    const after = this.toSlice(at);
    this.pan([(after[0] - before[0]) * this.scale, (after[1] - before[1]) * this.map()[1]]);
  }

  /** Move the picture by CSS pixels. */
  pan([x, y]: Point): void {
    const [sx, sy] = this.map();
    const view = this.nv.scene.pan2Dxyzmm;
    // NiiVue moves before it zooms
    view[0] += (x / sx) * this.spacing[0] * view[3];
    view[1] -= (y / sy) * this.spacing[1] * view[3];
    this.draw();
  }

  reset(): void {
    this.nv.scene.pan2Dxyzmm = [0, 0, 0, 1];
    const volume = this.nv.volumes[0];
    volume.cal_min = volume.robust_min;
    volume.cal_max = volume.robust_max;
    this.nv.updateGLVolume();
    this.draw();
  }

  /** Change brightness and contrast by a drag of so many CSS pixels. */
  window([x, y]: Point): void {
    const volume = this.nv.volumes[0];
    const low = volume.cal_min ?? 0;
    const high = volume.cal_max ?? 1;
    const whole = (volume.global_max ?? 1) - (volume.global_min ?? 0);
    const width = Math.max(whole / 1000, (high - low) * Math.exp(x / 200));
    const middle = (low + high) / 2 + (y / 400) * (high - low);
    volume.cal_min = middle - width / 2;
    volume.cal_max = middle + width / 2;
    this.nv.updateGLVolume();
    this.draw();
  }

  /** Show grey values from black to white. */
  setGrey([low, high]: Point): void {
    const volume = this.nv.volumes[0];
    volume.cal_min = low;
    volume.cal_max = Math.max(high, low + 1e-3);
    this.nv.updateGLVolume();
    this.draw();
  }

  /** The range that suits the picture, and the whole of it. */
  get ranges(): { auto: Point; full: Point } {
    const volume = this.nv.volumes[0];
    return {
      auto: [volume?.robust_min ?? 0, volume?.robust_max ?? 1],
      full: [volume?.global_min ?? 0, volume?.global_max ?? 1],
    };
  }

  get greyRange(): Point {
    const volume = this.nv.volumes[0];
    return [volume?.cal_min ?? 0, volume?.cal_max ?? 0];
  }
}
