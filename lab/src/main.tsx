import "uplot/dist/uPlot.min.css";
import "./styles/colours.css";
import "./styles/frame.css";
import "./styles/fields.css";
import "./data/data.css";
import "./build/build.css";
import "./train/train.css";
import "./try/try.css";
import "./styles/narrow.css";

import { render } from "preact";

import { App } from "./app";
import { Connection } from "./connection";

render(<App lab={new Connection()} />, document.body);
