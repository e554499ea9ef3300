// Where in the image an answer comes from, asked for by a button: it takes longer.

import { useEffect, useState } from "preact/hooks";

import { announce } from "../announce";
import type { Connection } from "../connection";
import type { AskInside, Inside, Saliencies, SaliencyMap } from "../messages";
import { Tile } from "../sheet";
import { usePictures } from "./pictures";

interface SaliencyProps {
  lab: Connection;
  asked: Omit<AskInside, "kind" | "id">;
  found: Inside;
}

export function Saliency({ lab, asked, found }: SaliencyProps) {
  const [chosen, setChosen] = useState("");
  const [state, setState] = useState<"" | "working" | Saliencies>("");
  const [problem, setProblem] = useState("");
  const key = JSON.stringify(asked);
  useEffect(() => setChosen(""), [asked.run, JSON.stringify(asked.image)]);
  const of = chosen || found.of;
  // What was shown is of another image, network or class.
  useEffect(() => setState(""), [key, of]);

  const show = () => {
    setState("working");
    setProblem("");
    lab.ask({ kind: "saliency", ...asked, of }, "saliency").then(
      (answer) => {
        setState((now) => (now === "working" ? answer : now));
        announce(answer.maps.map((one) => `${one.title}: ${one.check}`).join(" "));
      },
      (error: Error) => {
        setState("");
        setProblem(error.message);
      },
    );
  };
  const ready = typeof state === "object" ? state : null;
  const working = state === "working";
  return (
    <>
      <div class="bar">
        <label class="with-label">
          <span>{found.task === "classify" ? "What speaks for" : "What moves"}</span>
          <select value={of} onChange={(event) => setChosen(event.currentTarget.value)}>
            {found.answers.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button type="button" class="button" aria-disabled={working} onClick={() => working || show()}>
          {working ? "Working …" : "Show where it comes from"}
        </button>
      </div>
      <p class="problem" role="alert" hidden={!problem}>
        {problem}
      </p>
      {ready === null ? (
        <p class="quiet">
          Asks the network which pixels this answer depends on, in two ways, and checks each of them
          against the same network with its weights shuffled. It takes a few seconds.
        </p>
      ) : (
        <>
          <p class="quiet">{ready.words}</p>
          {ready.maps.map((one) => (
            <OneMap key={one.title} found={one} answer={ready} />
          ))}
        </>
      )}
    </>
  );
}

function OneMap({ found, answer }: { found: SaliencyMap; answer: Saliencies }) {
  const image = usePictures(answer.image);
  const maps = usePictures(found.maps);
  return (
    <div class="saliency">
      <h3>{found.title}</h3>
      <div class="three">
        <figure>
          {image && <Tile sheet={image} place={0} words="The image" />}
          <figcaption class="quiet">The image</figcaption>
        </figure>
        <figure>
          {maps && <Tile sheet={maps} place={0} words={`${found.title} of the network`} />}
          <figcaption class="quiet">The network</figcaption>
        </figure>
        <figure>
          {maps && <Tile sheet={maps} place={1} words={`${found.title} with shuffled weights`} />}
          <figcaption class="quiet">With shuffled weights</figcaption>
        </figure>
      </div>
      <p class={found.passed ? "verdict" : "verdict problem"}>{found.check}</p>
      <p class="quiet">{found.reading}</p>
    </div>
  );
}
