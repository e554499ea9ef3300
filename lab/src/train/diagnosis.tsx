// What seems to be wrong with a run's training, and what to try next.

import { title } from "../format";
import type { Diagnosis, Run, Value } from "../messages";

interface DiagnosesProps {
  run: Run;
  /** What is trained with next, as the document says it. */
  settings: Record<string, Value>;
  onUse: (values: Record<string, Value>) => void;
}

export function Diagnoses({ run, settings, onUse }: DiagnosesProps) {
  if (!run.diagnosis.length) return null;
  return (
    <ul class="diagnoses" aria-label={`How the training of ${run.name} went`}>
      {run.diagnosis.map((found) => (
        <li key={found.code} class={found.level}>
          <p>
            <strong>{found.sentence}</strong>
          </p>
          <p class="quiet">{found.evidence}</p>
          <p>{found.experiment}</p>
          <Use found={found} settings={settings} onUse={onUse} />
        </li>
      ))}
    </ul>
  );
}

function Use({ found, settings, onUse }: Omit<DiagnosesProps, "run"> & { found: Diagnosis }) {
  const values = found.settings as Record<string, Value>;
  const names = Object.keys(values);
  if (!names.length) return null;
  const words = names.map((name) => `${title(name).toLowerCase()} ${values[name]}`).join(", ");
  const used = names.every((name) => settings[name] === values[name]);
  return (
    <button type="button" class="plain" disabled={used} onClick={() => onUse(values)}>
      {used ? `Set: ${words}` : `Use ${words}`}
    </button>
  );
}
