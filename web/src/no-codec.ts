// Stands for the Zarr codecs that the page does without.

export default class NoCodec {
  static fromConfig(): never {
    throw new Error("Zarr is not read here");
  }
}
