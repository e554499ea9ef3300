// A table that may be wider than the window; the keyboard can scroll it where it is.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const element = box.current!;
    const watch = new ResizeObserver(() => setWide(element.scrollWidth > element.clientWidth));
    watch.observe(element);
    watch.observe(element.firstElementChild!);
    return () => watch.disconnect();
  }, []);
  return (
    <div class="scroll" ref={box} role="group" aria-label={label} tabIndex={wide ? 0 : undefined}>
      {children}
    </div>
  );
}
