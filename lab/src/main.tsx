import "uplot/dist/uPlot.min.css";
import "./style.css";

import { render } from "preact";

import { App } from "./app";
import { Connection } from "./connection";

render(<App lab={new Connection()} />, document.body);
