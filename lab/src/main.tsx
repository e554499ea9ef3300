import "uplot/dist/uPlot.min.css";
import "./styles/colours.css";
import "./styles/frame.css";
import "./styles/fields.css";
import "./data/data.css";
import "./build/build.css";
import "./train/train.css";
import "./inside/inside.css";
import "./try/try.css";
import "./export/export.css";
import "./styles/narrow.css";

import { render } from "preact";

import { App } from "./app";
import { Connection } from "./connection";

// A file that is dropped beside the place for it would be opened in place of the page.
for (const kind of ["dragover", "drop"] as const) {
  addEventListener(kind, (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}

render(<App lab={new Connection()} />, document.body);
