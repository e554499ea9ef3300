// A table of numbers with words before them.

import type { Table } from "../messages";
import { Scroll } from "../scroll";

export function NumberTable({ table }: { table: Omit<Table, "meaning"> }) {
  const kind = (column: number) => (column < table.words ? undefined : "number");
  return (
    <Scroll label={table.title}>
      <table>
        <thead>
          <tr>
            {table.heads.map((head, k) => (
              <th key={head} scope="col" class={kind(k)}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, number) => (
            <tr key={number}>
              {row.map((cell, k) => {
                const Cell = k === 0 && cell ? "th" : "td";
                return (
                  <Cell key={k} scope={Cell === "th" ? "row" : undefined} class={kind(k)}>
                    {cell}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
