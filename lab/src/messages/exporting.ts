// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.

/** What was made out of a run, and the command lines that make the same. */
export interface AskExports {
  kind: "exports";
  id: number;
  run: string;
}

/** Make something out of a run; how far it is comes as `ExportChanged`. */
export interface MakeExport {
  kind: "make_export";
  id: number;
  run: string;
  form: "keras" | "notebook" | "onnx" | "run" | "script";
}

/** Give up making something. */
export interface StopExport {
  kind: "stop_export";
  id: number;
  run: string;
  form: "keras" | "notebook" | "onnx" | "run" | "script";
}

/** A file that can be had at `/export/RUN/FORM/NAME`. */
export interface ExportFile {
  name: string;
  size: number;
}

/** Something that is made, or was made, out of a run. */
export interface Export {
  run: string;
  form: "keras" | "notebook" | "onnx" | "run" | "script";
  state: "failed" | "made" | "making";
  began: number;
  done: number;
  sentences: string[];
  notes: string[];
  files: ExportFile[];
}

/** How far something is that is being made out of a run. */
export interface ExportChanged {
  kind: "export";
  number: number;
  export: Export;
}

/** Making it was given up. */
export interface ExportGone {
  kind: "export_gone";
  number: number;
  run: string;
  form: "keras" | "notebook" | "onnx" | "run" | "script";
}

/** What was made out of a run so far, and a command line for each form. */
export interface Exports {
  kind: "exports";
  id: number;
  exports: Export[];
  commands: Record<string, string>;
}
