// The pages beside the chat, one row each. A page is a chunk of its own that exports `Page`, with its
// texts; what pages look like is in pages.css. To add one: a row here, its title in strings.ts and
// ru.ts, its files in pages/.
import type { FunctionComponent } from 'preact';
import type { Key } from './strings';
import type { IconName } from './view/icons';

export interface PageRow {
  name: string; // in the address: "#/skills"
  title: Key;
  icon: IconName;
  for: 'owner' | 'managers' | 'everybody'; // managers: owners and admins
  load: () => Promise<{ Page: FunctionComponent }>;
}

export const pages: readonly PageRow[] = [
  { name: 'overview', title: 'overview', icon: 'overview', for: 'managers', load: () => import('./pages/overview') },
  { name: 'tasks', title: 'tasks', icon: 'tasks', for: 'everybody', load: () => import('./pages/tasks') },
  { name: 'schedules', title: 'schedules', icon: 'clock', for: 'everybody', load: () => import('./pages/schedules') },
  { name: 'channels', title: 'channels', icon: 'channel', for: 'managers', load: () => import('./pages/channels') },
  { name: 'people', title: 'people', icon: 'people', for: 'everybody', load: () => import('./pages/people') },
  { name: 'models', title: 'models', icon: 'models', for: 'owner', load: () => import('./pages/models') },
  { name: 'skills', title: 'skills', icon: 'skills', for: 'owner', load: () => import('./pages/skills') },
  { name: 'settings', title: 'settings', icon: 'settings', for: 'owner', load: () => import('./pages/settings') },
  { name: 'health', title: 'health', icon: 'health', for: 'managers', load: () => import('./pages/health') },
];

export function pagesFor(role: string | undefined): readonly PageRow[] {
  return pages.filter((page) =>
    page.for === 'everybody' || role === 'owner' || (role === 'admin' && page.for === 'managers'));
}
