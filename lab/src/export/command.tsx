// A command line with a button that copies it.

import { useState } from "preact/hooks";

import { announce } from "../announce";

/** `of` says what it makes, for those who hear the page. */
export function Command({ line, of }: { line: string; of: string }) {
  const [copied, setCopied] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(line).then(
      () => {
        setCopied(line);
        announce("The command is copied");
      },
      () => announce("The browser does not let it be copied: mark it, and press Ctrl and C."),
    );
  return (
    <div class="command">
      <pre tabIndex={0} aria-label={`Command for ${of}`} role="group">
        {line}
      </pre>
      <button type="button" class="plain" aria-label={`Copy the command for ${of}`} onClick={copy}>
        {copied === line ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
