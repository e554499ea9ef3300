// The arithmetic of a convolution, and numbers as colours; what `firstlight.core.insight` does too.

import type { Kernel, Numbers } from "../messages";

export interface Grid {
  shape: number[];
  values: Float32Array;
}

export function decoded(numbers: Numbers): Grid {
  const bytes = Uint8Array.from(atob(numbers.data), (letter) => letter.charCodeAt(0));
  return { shape: numbers.shape, values: new Float32Array(bytes.buffer) };
}

/** A filter with its arrays at hand. */
export interface Filter extends Omit<Kernel, "received" | "answer" | "weights"> {
  received: Grid;
  answer: Grid;
  weights: Grid;
}

export function filterOf(kernel: Kernel): Filter {
  const { received, answer, weights } = kernel;
  return {
    ...kernel,
    received: decoded(received),
    answer: decoded(answer),
    weights: decoded(weights),
  };
}

/** How one number of the answer comes about; cells row by row, of one channel. */
export interface Work {
  patch: number[];
  weights: number[];
  products: number[];
  /** False in the padding. */
  inside: boolean[];
  /** The products of this channel, and of all others, added up. */
  own: number;
  others: number;
  total: number;
  /** The sizes of all products added up: rounding errors are small beside it. */
  size: number;
  /** Of the kernel's first cell in what the layer receives, and the steps between cells. */
  top: number;
  left: number;
}

export function workAt(filter: Filter, row: number, column: number, channel: number): Work {
  const [height, width, channels] = filter.weights.shape as [number, number, number];
  const [rows, columns] = filter.received.shape as [number, number];
  const top = row * filter.strides[0] - filter.before[0];
  const left = column * filter.strides[1] - filter.before[1];
  const work: Work = {
    patch: [],
    weights: [],
    products: [],
    inside: [],
    own: 0,
    others: 0,
    total: filter.bias,
    size: Math.abs(filter.bias),
    top,
    left,
  };
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const y = top + i * filter.dilation[0];
      const x = left + j * filter.dilation[1];
      const inside = y >= 0 && y < rows && x >= 0 && x < columns;
      for (let k = 0; k < channels; k++) {
        const pixel = inside ? filter.received.values[(y * columns + x) * channels + k]! : 0;
        const weight = filter.weights.values[(i * width + j) * channels + k]!;
        const product = pixel * weight;
        work.total += product;
        work.size += Math.abs(product);
        if (k !== channel) {
          work.others += product;
          continue;
        }
        work.own += product;
        work.patch.push(pixel);
        work.weights.push(weight);
        work.products.push(product);
        work.inside.push(inside);
      }
    }
  }
  return work;
}

/** Keras's activation functions of one number, those that convolutions mostly end with. */
const ACTIVATIONS: Record<string, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  leaky_relu: (x) => (x < 0 ? 0.2 * x : x),
  elu: (x) => (x < 0 ? Math.expm1(x) : x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(0, x),
};

/** What the activation makes of a sum; null for functions that this page does not know. */
export const activated = (name: string, total: number): number | null =>
  ACTIVATIONS[name]?.(total) ?? null;

// From 0 to 1, and from 0 to -1; as in firstlight/draw/style.py.
const POSITIVE = [[255, 255, 255], [141, 185, 234], [22, 104, 199], [10, 47, 92]];
const NEGATIVE = [[255, 255, 255], [243, 192, 143], [217, 105, 15], [110, 50, 3]];

/** The colour of a number between -1 and 1: orange, white at 0, blue. */
export function shade(number: number): [number, number, number] {
  const stops = number < 0 ? NEGATIVE : POSITIVE;
  const place = 3 * Math.min(1, Math.abs(number));
  const low = Math.min(2, Math.floor(place));
  const [from, to] = [stops[low]!, stops[low + 1]!];
  const mixed = from.map((value, k) => Math.round(value + (place - low) * (to[k]! - value)));
  return mixed as [number, number, number];
}

export function reachOf(values: ArrayLike<number>): number {
  let reach = 0;
  for (let k = 0; k < values.length; k++) reach = Math.max(reach, Math.abs(values[k]!));
  return reach || 1;
}

/** One channel of a map as a picture, pixel by pixel. */
export function painted(grid: Grid, channel: number, reach: number): HTMLCanvasElement {
  const [height, width, channels = 1] = grid.shape as [number, number, number?];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pixels = new ImageData(width, height);
  for (let place = 0; place < width * height; place++) {
    const colour = shade(grid.values[place * channels + channel]! / reach);
    pixels.data.set([...colour, 255], 4 * place);
  }
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas;
}

/** A number in a calculation: 0.953, -12.35, 1234. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2).replace("-", "−");
  const text = value.toFixed(size < 10 ? 3 : size < 1000 ? 2 : 0);
  return text.replace("-", "−");
}
