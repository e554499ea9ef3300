// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

import type { LayerKind } from "./core";

/** A new layer before position `index`. */
export interface AddLayer {
  kind: "add";
  layer: string;
  index: number;
}

/** A layer away. */
export interface RemoveLayer {
  kind: "remove";
  key: number;
}

/** A layer to position `index`. */
export interface MoveLayer {
  kind: "move";
  key: number;
  index: number;
}

/** An argument of a layer, as it was typed so far. */
export interface SetArgument {
  kind: "argument";
  key: number;
  name: string;
  value: boolean | string;
}

/** The layers of a recipe in place of all others. */
export interface StartFrom {
  kind: "recipe";
  recipe: string;
}

/** The network as YAML. */
export interface SetYaml {
  kind: "yaml";
  text: string;
}

/** What the doctor's button says: of the layer `key`, or of the whole network. */
export interface Mend {
  kind: "mend";
  key: number | null;
  code: string;
}

/** The last change to the network taken back. */
export interface Undo {
  kind: "undo";
}

/** The change that was taken back last made again. */
export interface Redo {
  kind: "redo";
}

/** Change the network. Layers are named by their keys, so this asks for no revision: what was */
export interface Build {
  kind: "build";
  id: number;
  change: AddLayer | RemoveLayer | MoveLayer | SetArgument | StartFrom | SetYaml | Mend | Undo | Redo;
}

/** Every layer that there is, with its arguments. */
export interface AskLayers {
  kind: "layers";
  id: number;
}

/** What the doctor says about the network or one of its layers. */
export interface Problem {
  level: "advice" | "error" | "warning";
  code: string;
  sentence: string;
  remedy: string;
  button: string;
}

/** A layer of the network; the fields are those of `firstlight.core.network.NetworkRow`. */
export interface Row {
  key: number;
  layer: string;
  title: string;
  words: string;
  arguments: Record<string, unknown>;
  makes: number[] | null;
  parameters: number | null;
  flops: number | null;
  receptive_field: [number, number] | null;
  problems: Problem[];
}

/** The network as it stands, counted for one image of `image` (height, width, channels). */
export interface Network {
  recipe: string;
  own: boolean;
  editable: boolean;
  image: [number, number, number];
  outputs: number;
  counted_for: string;
  rows: Row[];
  problems: Problem[];
  parameters: number;
  flops: number;
  activation_bytes: number;
  ready: boolean;
  can_undo: boolean;
  can_redo: boolean;
  yaml: string;
  code: string;
}

/** The network, and the revision of the document that it makes. */
export interface NetworkChanged {
  kind: "network";
  number: number;
  revision: number;
  network: Network;
}

/** Every layer that there is. */
export interface Layers {
  kind: "layers";
  id: number;
  layers: LayerKind[];
}
