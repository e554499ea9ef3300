// Images from files: dropped, chosen or pasted, and what the network says of them.

import { useState } from "preact/hooks";

import type { Connection } from "../connection";
import { count, plural } from "../format";
import type { Answered, TestReport } from "../messages";
import { OwnImages } from "../own-images";
import { pictureOf, type Sheet } from "../sheet";
import { AnswerTiles, OneImage, type Brought } from "./answered";

interface DropProps {
  lab: Connection;
  run: string;
  report: TestReport;
}

export function Drop({ lab, run, report }: DropProps) {
  const [found, setFound] = useState<{ sheet: Sheet<Answered>; brought: Brought } | null>(null);

  const ask = async (upload: string, side: Record<string, number>) => {
    const samples = await lab.ask({ kind: "dropped", run, upload, side }, "answered");
    const sheet = { samples, picture: await pictureOf(samples.sheet) };
    setFound({ sheet, brought: { upload, side } });
  };
  const samples = found?.sheet.samples;
  return (
    <section class="card" aria-labelledby="drop-title">
      <div class="head">
        <h2 id="drop-title">Your own images</h2>
      </div>
      {report.no_pad && <p class="quiet">{report.no_pad}</p>}
      <OwnImages
        lab={lab}
        side={report.side}
        words="Drop images here, or paste one with Ctrl+V. They are read as those of the training."
        onBrought={ask}
        onFailed={() => setFound(null)}
      />
      <p class="quiet" role="status">
        {samples && `${plural(samples.total, "image")} read`}
        {samples &&
          samples.total > samples.images.length &&
          `; the first ${count(samples.images.length)} are shown`}
      </p>
      {found &&
        (samples!.images.length === 1 ? (
          <OneImage run={run} report={report} {...found} place={0} />
        ) : (
          <AnswerTiles key={samples!.id} run={run} report={report} {...found} />
        ))}
      {samples?.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      {samples?.refused.map(({ file, reason }) => (
        <p key={file} class="problem">
          {file}: {reason}
        </p>
      ))}
    </section>
  );
}
