// The one WebSocket of this page: what the server has said so far, and asking it things.

import { useEffect, useState } from "preact/hooks";

import { addEpochs, addPoints } from "./train/curves";
import type {
  Data,
  Document,
  EpochRow,
  Export,
  FromTab,
  LayerKind,
  Network,
  Options,
  Point,
  RateSearch,
  Run,
  Snapshot,
  ToTab,
  Value,
} from "./messages";

type Answer = Extract<ToTab, { id: number }>;
type Request = Extract<FromTab, { id: number }>;
type Without<T> = T extends unknown ? Omit<T, "id"> : never;

export interface Curves {
  points: Point[];
  epochs: EpochRow[];
}

/** What the page shows, as the server has told it. */
export interface State {
  folder: string;
  document: Document;
  defaults: Record<string, Value>;
  options: Options;
  network: Network;
  data: Data;
  rate: RateSearch;
  runs: Map<string, Run>;
  curves: Map<string, Curves>;
  /** By run and form, such as `mnist-compact onnx`. */
  exports: Map<string, Export>;
}

/** `connecting` at first, `live`, `lost` while it tries again, `ended`: another server is there. */
export type Line = "connecting" | "live" | "lost" | "ended";

const RETRY = { first: 300, most: 3000 }; // milliseconds

/** What was asked for cannot be done; the message is the server's sentence. */
export class Refused extends Error {}

export class Connection {
  state: State | null = null;
  line: Line = "connecting";
  private known: Map<string, LayerKind> | null = null;
  private socket: WebSocket | null = null;
  private stream = "";
  private number = 0;
  private lastId = 0;
  private wait = RETRY.first;
  private open = new Map<number, { resolve: (answer: Answer) => void; reject: () => void }>();
  private edits: Promise<unknown> = Promise.resolve();
  private listeners = new Set<() => void>();

  constructor() {
    this.connect();
  }

  /** Ask for something; throws `Refused` where it cannot be done. */
  async ask<Kind extends Answer["kind"]>(
    request: Without<Request>,
    kind: Kind,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    const id = ++this.lastId;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const lost = () => reject(new Error("The lab does not answer: it may have been closed."));
      if (this.line !== "live") return lost();
      this.open.set(id, { resolve, reject: lost });
      this.socket!.send(JSON.stringify({ ...request, id }));
    });
    if (answer.kind === "refused") throw new Refused(answer.sentence);
    if (answer.kind !== kind) throw new Error(`${kind} was expected, but ${answer.kind} came.`);
    return answer as Extract<Answer, { kind: Kind }>;
  }

  /** Change the document as this page knows it, after the changes that are on their way. */
  edit(change: Extract<FromTab, { kind: "edit" }>["change"]): Promise<unknown> {
    const ask = () =>
      this.ask({ kind: "edit", revision: this.state!.document.revision, change }, "done");
    const work = this.edits.then(ask, ask);
    this.edits = work;
    const over = () => {
      if (this.edits === work) this.edits = Promise.resolve();
    };
    work.then(over, over);
    return work;
  }

  /** Start a run of the document with all changes in it; the run's name. */
  async start(): Promise<string> {
    await this.edits;
    const { revision } = this.state!.document;
    const { run } = await this.ask({ kind: "start", revision, name: "" }, "started");
    return run;
  }

  /** Look for a learning rate for the document with all changes in it. */
  async findRate(): Promise<void> {
    await this.edits;
    await this.ask({ kind: "find-rate", revision: this.state!.document.revision }, "done");
  }

  /** Change the network. */
  build(change: Extract<FromTab, { kind: "build" }>["change"]): Promise<unknown> {
    return this.ask({ kind: "build", change }, "done");
  }

  /** Every layer that there is; asked for once. */
  async layers(): Promise<Map<string, LayerKind>> {
    if (this.known === null) {
      const { layers } = await this.ask({ kind: "layers" }, "layers");
      this.known = new Map(layers.map((one) => [one.kind, one]));
    }
    return this.known;
  }

  /** Take in what was made out of a run. */
  keepExports(exports: Export[]): void {
    for (const one of exports) this.state?.exports.set(`${one.run} ${one.form}`, one);
    this.tell();
  }

  /** Bring the curves of a run, once; later points come by themselves. */
  async loadCurves(run: string): Promise<void> {
    if (this.state === null || this.state.curves.has(run)) return;
    this.state.curves.set(run, { points: [], epochs: [] });
    await this.refreshCurves(run);
  }

  /** Bring all that the server has of a run's curves. */
  private async refreshCurves(run: string): Promise<void> {
    const { curves } = this.state!;
    try {
      const { points, epochs } = await this.ask({ kind: "curve", run }, "curve");
      curves.set(run, { points, epochs });
      this.tell();
    } catch {
      curves.delete(run); // a run without a folder yet; asked for again later
    }
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private connect(): void {
    const socket = new WebSocket(`ws://${location.host}/socket`);
    this.socket = socket;
    socket.onopen = () => {
      this.wait = RETRY.first;
      this.hello();
    };
    socket.onmessage = (event) => this.hear(JSON.parse(event.data as string) as ToTab);
    socket.onclose = () => void this.lost();
  }

  private hello(): void {
    const hello: FromTab = { kind: "hello", stream: this.stream, after: this.number };
    this.socket!.send(JSON.stringify(hello));
    this.line = "live";
    this.tell();
  }

  private async lost(): Promise<void> {
    for (const { reject } of this.open.values()) reject();
    this.open.clear();
    this.line = "lost";
    this.tell();
    // A server that was started anew does not know this page's cookie.
    const answer = await fetch("/", { method: "HEAD" }).catch(() => null);
    if (answer?.status === 401) {
      this.line = "ended";
      this.tell();
    }
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(2 * this.wait, RETRY.most);
  }

  private hear(message: ToTab): void {
    if ("id" in message) {
      this.open.get(message.id)?.resolve(message);
      this.open.delete(message.id);
      return;
    }
    if (message.kind === "resync") {
      this.stream = "";
      this.hello();
      return;
    }
    this.number = message.number;
    if (message.kind === "snapshot") {
      this.stream = message.stream;
      this.state = fromSnapshot(message);
    } else if (this.state !== null) {
      take(this.state, message);
    }
    // While it trains only some of its points come.
    if (message.kind === "run" && this.state?.curves.has(message.run.name)) {
      void this.refreshCurves(message.run.name);
    }
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

function fromSnapshot(message: Snapshot): State {
  const runs = new Map(message.runs.map((run) => [run.name, run]));
  const { folder, document, defaults, options, network, data, rate } = message;
  const [curves, exports] = [new Map(), new Map()];
  return { folder, document, defaults, options, network, data, rate, runs, curves, exports };
}

/** One piece of news. */
function take(
  state: State,
  message: Exclude<ToTab, { id: number } | { kind: "resync" | "snapshot" }>,
): void {
  switch (message.kind) {
    case "document":
      state.document = message.document;
      state.defaults = message.defaults;
      state.options = message.options;
      break;
    case "network":
      state.document.revision = message.revision;
      state.network = message.network;
      break;
    case "data":
      state.data = message.data;
      break;
    case "rate":
      state.rate = message.search;
      break;
    case "run":
      state.runs.set(message.run.name, message.run);
      break;
    case "gone":
      state.runs.delete(message.run);
      state.curves.delete(message.run);
      break;
    case "export":
      state.exports.set(`${message.export.run} ${message.export.form}`, message.export);
      break;
    case "export_gone":
      state.exports.delete(`${message.run} ${message.form}`);
      break;
    case "points": {
      const run = state.runs.get(message.run);
      if (run === undefined) break;
      const last = message.epochs.at(-1) ?? run.last;
      const { progress, diagnosis } = message;
      state.runs.set(run.name, { ...run, progress, last, diagnosis });
      const curves = state.curves.get(run.name);
      if (curves === undefined) break;
      addPoints(curves.points, message.points);
      addEpochs(curves.epochs, message.epochs);
    }
  }
}

/** Draw the component anew whenever the server has said something. */
export function useLab(lab: Connection): State | null {
  const [, redraw] = useState(0);
  useEffect(() => lab.listen(() => redraw((count) => count + 1)), [lab]);
  return lab.state;
}
