import { render } from 'preact';
import { listenToKeys } from './keys';
import { loadLanguage } from './languages';
import { applySettings, language } from './settings';
import { start } from './store';
import { App, palette } from './view/app';
import { loadThread } from './view/transcript';
import { startWorker, whenIdle } from './offline';

applySettings();
listenToKeys();
// A page in the wrong language would be read to its end by nobody: wait, unless it does not come.
await loadLanguage(language.value).catch(() => undefined);
const root = document.getElementById('app');
if (root) render(<App />, root);
void start();

// The first answer needs the thread, and then at once, with or without a network.
void loadThread().catch(() => undefined);

// What is not needed soon waits for a moment in which nothing is drawn. The worker fetches all there
// is, and so comes last.
async function loadRest(): Promise<void> {
  for (const load of [palette.load, startWorker]) {
    await new Promise<void>(whenIdle);
    await Promise.resolve(load()).catch(() => undefined);
  }
}
void loadRest();
