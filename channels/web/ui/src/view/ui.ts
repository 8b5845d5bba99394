// What is open on the screen, apart from the conversation.
import { signal } from '@preact/signals';

export const sidebarOpen = signal(false);
export const helpOpen = signal(false);
export const paletteOpen = signal(false);
export const editing = signal<string | null>(null); // the run whose question is being put otherwise
