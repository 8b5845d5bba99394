// A dialog that is open as long as it is drawn; the browser gives focus back where it was.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

let count = 0;

export function Dialog({ title, wide, done, children, tall }: {
  title: string; wide?: boolean; tall?: boolean; done: () => void; children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useRef(`dialog-${++count}`);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class={`card ${wide ? 'wide' : ''} ${tall ? 'tall' : ''}`} aria-labelledby={id.current} onClose={done}>
      <h2 id={id.current}>{title}</h2>
      {children}
    </dialog>
  );
}
