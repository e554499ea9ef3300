// Step "Try it": a run's network and what it gets wrong, on its test images and on yours.

import { useEffect, useState } from "preact/hooks";

import type { StepProps } from "../app";
import type { Connection } from "../connection";
import type { Run, TestReport } from "../messages";
import { RunChoice, useRun } from "../run-choice";
import { Tested } from "../train/runs";
import { TestedImages } from "./answered";
import { ClassTable, Confusion } from "./confusion";
import { Drop } from "./drop";
import { Pad } from "./pad";
import { MeasuredValues } from "./values";

export function TryStep({ lab, state }: StepProps) {
  const { runs, run, choose } = useRun(state);
  return (
    <div class="stack">
      <section class="card" aria-label="Run">
        <div class="bar">
          <RunChoice runs={runs} run={run} onChoose={choose} />
          {run && <Tested run={run} />}
        </div>
      </section>
      {run && <TryRun key={`${run.name} ${run.created}`} lab={lab} run={run} />}
    </div>
  );
}

function TryRun({ lab, run }: { lab: Connection; run: Run }) {
  const [report, setReport] = useState<TestReport | null>(null);
  const [problem, setProblem] = useState("");
  const live = lab.line === "live";
  useEffect(() => {
    if (!live || report !== null) return;
    lab.ask({ kind: "test-report", run: run.name }, "test-report").then(
      (found) => {
        setReport(found);
        setProblem("");
      },
      (error: Error) => setProblem(error.message),
    );
  }, [live]);
  if (problem) {
    return (
      <p class="problem" role="alert">
        {problem}
      </p>
    );
  }
  if (report === null) return <p class="empty">Its test is being read …</p>;
  const common = { lab, run: run.name, report };
  return (
    <div class="columns">
      <div class="stack">
        {report.pad && <Pad {...common} pad={report.pad} />}
        <Drop {...common} />
      </div>
      <div class="stack">
        {report.task === "classify" ? (
          <>
            <Confusion {...common} />
            <section class="card" aria-labelledby="mistakes-title">
              <div class="head">
                <h2 id="mistakes-title">Worst mistakes</h2>
                <p class="quiet">the images on which it was most certain of a wrong class</p>
              </div>
              <TestedImages {...common} which={{ kind: "worst", target: 0 }} />
            </section>
            <ClassTable report={report} />
          </>
        ) : (
          <MeasuredValues {...common} />
        )}
      </div>
    </div>
  );
}
