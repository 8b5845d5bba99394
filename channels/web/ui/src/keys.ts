// Keys that work everywhere on the page.
import { newChat, running, stop } from './store';
import { helpOpen, paletteOpen, sidebarOpen } from './view/ui';

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(TEXTAREA|INPUT|SELECT)$/.test(target.tagName);
}

function moveFocus(step: -1 | 1): void {
  const all = [...document.querySelectorAll<HTMLElement>('.message')];
  if (!all.length) return;
  const focused = document.activeElement?.closest<HTMLElement>('.message');
  const at = focused ? all.indexOf(focused) : all.length;
  const next = at + step;
  if (next >= all.length) document.getElementById('composer')?.focus();
  else (all[Math.max(0, next)] as HTMLElement).focus();
}

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') {
      if (sidebarOpen.value) sidebarOpen.value = false;
      else if (running.value) stop();
    } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.code === 'KeyK') {
      event.preventDefault();
      paletteOpen.value = true;
    } else if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.code === 'KeyO') {
      event.preventDefault();
      newChat();
      document.getElementById('composer')?.focus();
    } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      moveFocus(event.key === 'ArrowUp' ? -1 : 1);
    } else if (event.key === '?' && !isTyping(event.target)) {
      event.preventDefault();
      helpOpen.value = true;
    }
  });
}
