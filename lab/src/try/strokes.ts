// What has been drawn: strokes, and their picture for the screen and for the network.

export interface Stroke {
  /** Width of the pen as a share of the pad's. */
  size: number;
  /** Places as shares of the pad's width and height. */
  points: [number, number][];
}

/** Draw the strokes over all of a canvas. */
export function paint(
  context: CanvasRenderingContext2D,
  strokes: Stroke[],
  ink: string,
  ground: string,
): void {
  const { width, height } = context.canvas;
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = ink;
  context.lineCap = context.lineJoin = "round";
  for (const { size, points } of strokes) {
    context.lineWidth = size * width;
    context.beginPath();
    const [first, ...others] = points;
    context.moveTo(first![0] * width, first![1] * height);
    // A line without length is a dot.
    for (const [x, y] of others.length ? others : [first!]) context.lineTo(x * width, y * height);
    context.stroke();
  }
}

/** The strokes as a byte a pixel, 0 where nothing is drawn, in base64. */
export function inkOf(context: CanvasRenderingContext2D, strokes: Stroke[]): string {
  const { width, height } = context.canvas;
  paint(context, strokes, "#fff", "#000");
  const { data } = context.getImageData(0, 0, width, height);
  let bytes = "";
  for (let place = 0; place < data.length; place += 4) bytes += String.fromCharCode(data[place]!);
  return btoa(bytes);
}
