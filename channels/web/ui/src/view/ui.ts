// What is open on the screen, apart from the conversation.
import { signal } from '@preact/signals';

export const sidebarOpen = signal(false);
export const helpOpen = signal(false);
