// A place where files are dropped or chosen.

import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

/** Files with their paths. */
export type Files = [string, File][];

interface DropZoneProps {
  /** The words on the button that opens the browser's own list. */
  button: string;
  /** The same for a folder; none without. */
  folderButton?: string;
  onFiles: (files: Files) => Promise<void>;
  /** What can be dropped, and below the buttons what to know. */
  words: string;
  children?: ComponentChildren;
}

export function DropZone({ button, folderButton, onFiles, words, children }: DropZoneProps) {
  const [over, setOver] = useState(false);
  const chosen = (event: Event & { currentTarget: HTMLInputElement }) => {
    const files = [...(event.currentTarget.files ?? [])];
    void onFiles(files.map((file) => [file.webkitRelativePath || file.name, file]));
    event.currentTarget.value = "";
  };
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void collect(event.dataTransfer!.items).then(onFiles);
      }}
    >
      <p>{words}</p>
      <p class="buttons">
        <label class="button">
          {button}
          <input type="file" multiple class="unseen" onChange={chosen} />
        </label>
        {folderButton && (
          <label class="button">
            {folderButton}
            <input
              type="file"
              class="unseen"
              onChange={chosen}
              ref={(input) => input?.setAttribute("webkitdirectory", "")}
            />
          </label>
        )}
      </p>
      {children}
    </div>
  );
}

/** The files below everything that was dropped, with their paths. */
async function collect(items: DataTransferItemList): Promise<Files> {
  const files: Files = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      );
      files.push([entry.fullPath.replace(/^\//, ""), file]);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      );
      if (!some.length) return;
      for (const one of some) await walk(one);
    }
  };
  // The list is empty after the first wait.
  const entries = [...items].map((item) => item.webkitGetAsEntry());
  for (const entry of entries) if (entry) await walk(entry);
  return files;
}
