// Bringing files to the server, a request each.

import type { Connection } from "../connection";

const AT_ONCE = 4;

/** Copy files with their paths to the server; the upload's name. */
export async function upload(
  lab: Connection,
  files: [string, File][],
  onDone: (count: number) => void,
  keep = true,
): Promise<string> {
  const first = files[0]![0].split("/")[0]!.slice(0, 60);
  const { upload: name } = await lab.ask({ kind: "upload", name: first, keep }, "uploading");
  const waiting = files.filter(([path]) => !path.split("/").some((part) => part.startsWith(".")));
  let done = 0;
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [path, file] = next;
      const place = path.split("/").map(encodeURIComponent).join("/");
      const answer = await fetch(`/upload/${name}/${place}`, { method: "POST", body: file });
      if (!answer.ok) throw new Error(await reason(answer));
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return name;
}

async function reason(answer: Response): Promise<string> {
  if (answer.status === 400) return ((await answer.json()) as { sentence: string }).sentence;
  return answer.text();
}
