// A layer's output as a picture: sheets whose size is that of the maps, or a bar for a list.

interface GlyphProps {
  /** Height, width and channels, or a list's length, or null where nothing comes out. */
  makes: number[] | null;
  /** Height and width of the images: as large as a sheet gets. */
  image: [number, number, number];
}

const SIZE = 44;
const LARGEST = 28;
const MOST_SHEETS = 6;

export function Glyph({ makes, image }: GlyphProps) {
  return (
    <svg class="glyph" viewBox={`0 0 ${SIZE} ${SIZE}`} width={SIZE} height={SIZE} aria-hidden="true">
      {makes === null ? (
        <rect class="nothing" x="13" y="13" width="18" height="18" />
      ) : makes.length === 3 ? (
        <Sheets height={makes[0]!} width={makes[1]!} channels={makes[2]!} image={image} />
      ) : (
        <Bar length={makes.reduce((product, size) => product * size, 1)} />
      )}
    </svg>
  );
}

function Sheets(props: { height: number; width: number; channels: number; image: number[] }) {
  const most = Math.max(props.image[0]!, props.image[1]!, 1);
  const side = (size: number) => Math.max(3, Math.min(LARGEST, (LARGEST * size) / most));
  const [height, width] = [side(props.height), side(props.width)];
  // One sheet more for each fourfold of the channels.
  const sheets = Math.min(MOST_SHEETS, 1 + Math.round(Math.log2(props.channels) / 2));
  const step = 3;
  const left = (SIZE - width - (sheets - 1) * step) / 2;
  const top = (SIZE - height - (sheets - 1) * step) / 2;
  return Array.from({ length: sheets }, (_, sheet) => (
    <rect
      key={sheet}
      class="sheet"
      x={left + (sheets - 1 - sheet) * step}
      y={top + sheet * step}
      width={width}
      height={height}
    />
  ));
}

/** As long as the list has digits, roughly. */
function Bar({ length }: { length: number }) {
  const height = Math.min(SIZE - 6, 6 + 7 * Math.log10(Math.max(1, length)));
  return <rect class="bar-of-numbers" x={SIZE / 2 - 2.5} y={(SIZE - height) / 2} width="5" height={height} />;
}
