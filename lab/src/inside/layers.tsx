// What every layer answers to the image, and the filters that it does it with.

import type { LayerInside, LayerKind } from "../messages";
import { plural, shape } from "../format";
import { Tile } from "../sheet";
import { Canvas, pageColour } from "./canvas";
import { decoded, reachOf, digits } from "./numbers";
import { usePictures } from "./pictures";

interface LayersProps {
  layers: LayerInside[];
  kinds: Map<string, LayerKind>;
  /** The layer and filter of the kernel at work. */
  shown: { layer: string; filter: number } | null;
  onFilter: (layer: string, filter: number) => void;
}

export function Layers({ layers, kinds, shown, onFilter }: LayersProps) {
  return (
    <ol class="layers-inside">
      {layers.map((layer) => (
        <Layer
          key={layer.name}
          layer={layer}
          kind={kinds.get(layer.layer)}
          chosen={shown?.layer === layer.name ? shown.filter : null}
          onFilter={(filter) => onFilter(layer.name, filter)}
        />
      ))}
    </ol>
  );
}

interface LayerProps {
  layer: LayerInside;
  kind: LayerKind | undefined;
  chosen: number | null;
  onFilter: (filter: number) => void;
}

function Layer({ layer, kind, chosen, onFilter }: LayerProps) {
  const maps = usePictures(layer.maps);
  const filters = usePictures(layer.filters);
  const numbers = Array.from({ length: layer.maps?.count ?? 0 }, (_, k) => k);
  return (
    <li>
      <div class="head">
        <h3>
          {kind?.title ?? layer.layer} <span class="quiet">{layer.name}</span>
        </h3>
        <span>{shape(layer.shape)}</span>
      </div>
      {kind && <p class="quiet">{kind.words}</p>}
      {maps && layer.filters === null && (
        <ul class="maps">
          {numbers.map((k) => (
            <li key={k}>
              <Tile sheet={maps} place={k} words={`Feature map ${k} of ${layer.name}`} />
            </li>
          ))}
        </ul>
      )}
      {maps && filters && layer.filters && (
        <ul class="maps">
          {numbers.map((k) => (
            <li key={k}>
              <button
                type="button"
                class="filter"
                aria-pressed={chosen === k}
                onClick={() => onFilter(k)}
              >
                <span class="weights">
                  <Tile sheet={filters} place={k} words={`Filter ${k} of ${layer.name}`} />
                </span>
                <Tile sheet={maps} place={k} words="and its feature map" />
              </button>
            </li>
          ))}
        </ul>
      )}
      {layer.numbers && layer.numbers.shape[0]! > 1 && <Bars values={decoded(layer.numbers).values} />}
      <p class="quiet">
        {layer.words} {layer.filters?.words}
      </p>
    </li>
  );
}

/** Numbers that belong to no place, each a bar: up for positive, down for negative ones. */
function Bars({ values }: { values: Float32Array }) {
  const [most, least] = [Math.max(0, ...values), Math.min(0, ...values)];
  return (
    <Canvas
      words={`${plural(values.length, "number")} from ${digits(least)} to ${digits(most)}`}
      height={() => 72}
      draw={({ context, width, height }) => {
        const scale = (height - 2) / (most - least || reachOf(values));
        const zero = 1 + most * scale;
        const wide = Math.min(24, width / values.length);
        for (const [k, value] of values.entries()) {
          context.fillStyle = pageColour(value < 0 ? "negative" : "positive");
          const high = Math.abs(value) * scale;
          context.fillRect(k * wide, value < 0 ? zero : zero - high, Math.max(1, wide - 1), high);
        }
        context.fillStyle = pageColour("quiet");
        context.fillRect(0, Math.round(zero), wide * values.length, 1);
      }}
    />
  );
}
