import type { FunctionComponent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../settings';
import { currentInfo, isNew, link, models, phase, place, problem, spoken } from '../store';
import { Problem, SignedOut } from './cards';
import { Composer } from './composer';
import { Icon } from './icons';
import { Sidebar } from './sidebar';
import { Transcript } from './transcript';
import { helpOpen, sidebarOpen } from './ui';

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const mod = MAC ? '⌘' : 'Ctrl';
  const rows: [string, string][] = [
    ['Enter', t('keySend')],
    ['Shift Enter', t('keyLine')],
    ['Esc', t('keyStop')],
    [`${mod} Shift O`, t('keyNew')],
    ['Alt ↑ ↓', t('keyMove')],
    ['?', t('keyHelp')],
  ];
  return (
    <dialog ref={dialog} class="card help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">{t('shortcuts')}</h2>
      <dl>
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="row end">
        <button type="button" onClick={() => dialog.current?.close()}>{t('close')}</button>
      </div>
    </dialog>
  );
}

function Header() {
  const title = place.value === 'skills' ? t('skills') : isNew.value ? t('newChat') : currentInfo.value?.title || t('untitled');
  useEffect(() => {
    document.title = `${title} · ${t('appName')}`;
  }, [title]);
  return (
    <header class="top">
      <button type="button" id="menu" class="quiet only-narrow" aria-label={t('openMenu')} aria-expanded={sidebarOpen.value}
        aria-controls="sidebar" onClick={() => (sidebarOpen.value = true)}><Icon name="menu" /></button>
      <h1>{title}</h1>
      {link.value !== 'online' && <span class={`link-badge ${link.value}`}>{t(link.value === 'connecting' ? 'connecting' : 'offline')}</span>}
      {models.value?.default && <span class="model default-model">{models.value.default}</span>}
    </header>
  );
}

// The transcript is silent for screen readers, or each token would be spoken; this is not.
function Status() {
  const words = [
    link.value === 'offline' ? t('offline') : '',
    spoken.value ? t(spoken.value) : '',
  ];
  return <p class="offscreen" role="status">{words.filter(Boolean).join('. ')}</p>;
}

// Loaded when somebody looks at it.
function LazySkills() {
  const [Page, setPage] = useState<FunctionComponent | null>(null);
  useEffect(() => {
    import('./skills').then(({ Skills }) => setPage(() => Skills), (error: unknown) => (problem.value = String(error)));
  }, []);
  return <div class="transcript-frame"><link rel="stylesheet" href="/skills.css" />{Page ? <Page /> : <p class="loading">{t('loading')}</p>}</div>;
}

export function App() {
  if (phase.value === 'signed-out' || phase.value === 'bad-link') return <SignedOut />;
  return (
    <div class="app">
      <Sidebar />
      {sidebarOpen.value && <div class="scrim" onClick={() => (sidebarOpen.value = false)} />}
      <main class="chat" inert={sidebarOpen.value}>
        <Header />
        {place.value === 'skills' ? <LazySkills /> : <Transcript />}
        <Problem />
        {place.value === 'chat' && <Composer />}
        <Status />
      </main>
      {helpOpen.value && <Help />}
    </div>
  );
}
