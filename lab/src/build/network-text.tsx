// The network as text: YAML that can be edited, and plain Keras code to take away.

import { useEffect, useState } from "preact/hooks";

import { announce } from "../announce";
import type { Connection } from "../connection";
import { Choice } from "../fields";
import type { Network } from "../messages";

export function NetworkText({ lab, network }: { lab: Connection; network: Network }) {
  const [what, setWhat] = useState<"yaml" | "keras">("yaml");
  const [typed, setTyped] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const text = what === "yaml" ? network.yaml : network.code;
  // What was typed and is no network yet stays, until the network changes elsewhere.
  useEffect(() => {
    if (document.activeElement?.id !== "network-yaml") {
      setTyped(null);
      setProblem("");
    }
  }, [network.yaml]);

  const type = (entered: string) => {
    setTyped(entered);
    lab.build({ kind: "yaml", text: entered }).then(
      () => setProblem(""),
      (error: Error) => setProblem(error.message),
    );
  };
  const copy = () => void navigator.clipboard.writeText(text).then(() => announce("Copied"));
  return (
    <section class="card" aria-labelledby="text-title">
      <div class="head">
        <h2 id="text-title">The same as text</h2>
        <Choice
          legend="Written as"
          choices={[
            ["yaml", "YAML"],
            ["keras", "Keras"],
          ]}
          value={what}
          onChange={setWhat}
        />
      </div>
      {what === "yaml" ? (
        <>
          <textarea
            id="network-yaml"
            aria-label="The network as YAML"
            aria-describedby="network-yaml-problem"
            aria-invalid={problem !== "" || undefined}
            spellcheck={false}
            rows={Math.max(5, (typed ?? text).split("\n").length)}
            value={typed ?? text}
            onInput={(event) => type(event.currentTarget.value)}
            onBlur={() => problem === "" && setTyped(null)}
          />
          <p id="network-yaml-problem" class="problem" role="status">
            {problem}
          </p>
        </>
      ) : (
        <pre class="code" tabIndex={0} role="region" aria-label="The network in Keras">
          {text}
        </pre>
      )}
      <div class="bar">
        <p class="quiet space">
          {what === "yaml"
            ? "Type here too. firstlight train --model net.yaml reads it."
            : "Runs with Keras alone."}
        </p>
        <button type="button" class="plain" onClick={copy}>
          Copy
        </button>
      </div>
    </section>
  );
}
