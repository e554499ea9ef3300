// Small pictures as the server paints them: feature maps, filters, saliency.

import { useEffect, useState } from "preact/hooks";

import type { Pictures } from "../messages";
import { pictureOf, type Cut } from "../sheet";

/** Pictures ready to be cut; until new ones are, those of before. */
export function usePictures(pictures: Pictures | null): Cut | null {
  const [cut, setCut] = useState<Cut | null>(null);
  useEffect(() => {
    let current = true;
    if (pictures === null) setCut(null);
    else {
      void pictureOf(pictures.png).then((picture) => {
        if (current) setCut({ samples: pictures, picture });
      });
    }
    return () => {
      current = false;
    };
  }, [pictures?.png]);
  return cut;
}
