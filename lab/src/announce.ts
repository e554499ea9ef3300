// What a screen reader is told about things that happen away from the focus.

let listener: (words: string) => void = () => {};

export function announced(listen: (words: string) => void): void {
  listener = listen;
}

export function announce(words: string): void {
  listener(words);
}
