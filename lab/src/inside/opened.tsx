// Loss, softmax, score and parameter count, step by step on the reader's own numbers.

import type { Table } from "../messages";
import { NumberTable } from "./table";

export function Opened({ tables }: { tables: Table[] }) {
  return (
    <>
      {tables.map((table) => (
        <details key={table.title.split(":")[0]}>
          <summary>{table.title}</summary>
          <p class="quiet">{table.meaning}</p>
          <NumberTable table={table} />
        </details>
      ))}
    </>
  );
}
