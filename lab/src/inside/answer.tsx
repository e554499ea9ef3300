// What the network says of the image.

import type { Inside } from "../messages";
import { short } from "../format";
import { NumberTable } from "./table";

const MOST = 12; // classes

export function Answers({ found }: { found: Inside }) {
  const classify = found.task === "classify";
  let said = found.answers;
  if (said.length > MOST) said = [...said].sort((a, b) => b.value - a.value).slice(0, MOST);
  return (
    <>
      {classify && (
        <table class="probabilities">
          <caption class="unseen">Probability of each class</caption>
          <tbody>
            {said.map((one) => (
              <tr key={one.name} class={one.true ? "true" : undefined}>
                <th scope="row">{one.name}</th>
                <td aria-hidden="true">
                  <svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none">
                    <rect class="track" width="100" height="8" />
                    <rect class="positive" width={100 * one.value} height="8" />
                  </svg>
                </td>
                <td class="number">
                  {(100 * one.value).toFixed(1)} %<span class="unseen">{one.true && ", true"}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {classify && said.length < found.answers.length && (
        <p class="quiet">The {MOST} most probable classes.</p>
      )}
      {!classify && (
        <NumberTable
          table={{
            title: "What it says",
            heads: ["Number", "Says", "True"],
            rows: said.map(({ name, value, unit, true: known }) => [
              name,
              `${short(value)} ${unit}`,
              typeof known === "number" ? `${short(known)} ${unit}` : "–",
            ]),
            words: 1,
          }}
        />
      )}
    </>
  );
}
