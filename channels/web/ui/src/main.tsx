import { render } from 'preact';
import { listenToKeys } from './keys';
import { applySettings } from './settings';
import { start } from './store';
import { App } from './view/app';

applySettings();
listenToKeys();
const root = document.getElementById('app');
if (root) render(<App />, root);
void start();
