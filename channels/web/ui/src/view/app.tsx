import { useEffect, useMemo } from 'preact/hooks';
import { pages, pagesFor, type PageRow } from '../pages';
import { place } from '../router';
import { t } from '../settings';
import { chooseModel } from '../sessions';
import { current, currentInfo, isNew, link, me, models, newModel, phase, spoken } from '../store';
import { Problem, SignedOut, Undo } from './cards';
import { Composer } from './composer';
import { Dialog } from './dialog';
import { Icon } from './icons';
import { lazy, stylesheet } from './lazy';
import { Sidebar } from './sidebar';
import { Transcript } from './transcript';
import { helpOpen, paletteOpen, sidebarOpen } from './ui';

export const palette = lazy(async () => (await import('./palette')).Palette);
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

function Help() {
  const mod = MAC ? '⌘' : 'Ctrl';
  const rows: [string, string][] = [
    ['Enter', t('keySend')],
    ['Shift Enter', t('keyLine')],
    ['Esc', t('keyStop')],
    [`${mod} K`, t('keySearch')],
    [`${mod} Shift O`, t('keyNew')],
    ['↑', t('keyEdit')],
    ['Alt ↑ ↓', t('keyMove')],
    ['?', t('keyHelp')],
  ];
  return (
    <Dialog title={t('shortcuts')} done={() => (helpOpen.value = false)}>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="row end"><button>{t('close')}</button></form>
    </Dialog>
  );
}

function titleNow(row: PageRow | undefined): string {
  if (place.value.page !== 'chat') return row ? t(row.title) : t('nothingHere');
  return isNew.value ? t('newChat') : currentInfo.value?.title || t('untitled');
}

// Who answers in this conversation, from the next question on.
function ModelChoice() {
  const all = models.value;
  if (!all?.default) return null;
  const chosen = (isNew.value ? newModel.value : currentInfo.value?.model) ?? '';
  const names = [...(all.aliases ?? []).map((alias) => alias.name), ...all.models.map((model) => model.name)];
  if (names.length < 2 && !chosen) return <span class="model default-model">{all.default}</span>;
  return (
    <select class="model default-model" aria-label={t('model')} title={t('model')} value={chosen}
      onChange={(event) => void chooseModel(event.currentTarget.value || null)}>
      <option value="">{t('modelDefault', { name: all.default })}</option>
      {chosen && !names.includes(chosen) && <option value={chosen}>{chosen}</option>}
      {names.map((name) => <option key={name} value={name}>{name}</option>)}
    </select>
  );
}

function Header({ row }: { row: PageRow | undefined }) {
  const title = titleNow(row);
  useEffect(() => {
    document.title = `${title} · ${t('appName')}`;
  }, [title]);
  return (
    <header class="top">
      <button type="button" id="menu" class="quiet only-narrow" aria-label={t('openMenu')} aria-expanded={sidebarOpen.value}
        aria-controls="sidebar" onClick={() => (sidebarOpen.value = true)}><Icon name="menu" /></button>
      <h1 dir="auto">{title}</h1>
      {link.value !== 'online' && <span class={`link-badge ${link.value}`}>{t(link.value === 'connecting' ? 'connecting' : 'offline')}</span>}
      {place.value.page === 'chat' && !isNew.value && (
        <details class="menu" onToggle={(event) => event.currentTarget.open && event.currentTarget.querySelector('a')?.focus()}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || !event.currentTarget.open) return;
            event.stopPropagation();
            event.currentTarget.open = false;
            event.currentTarget.querySelector('summary')?.focus();
          }}>
          <summary class="button quiet" aria-label={t('export')} title={t('export')}><Icon name="export" /></summary>
          <div class="menu-box">
            <p class="nav-title">{t('export')}</p>
            <a href={`/api/v1/sessions/${current.value}/export?format=md`} download>Markdown</a>
            <a href={`/api/v1/sessions/${current.value}/export?format=json`} download>JSON</a>
          </div>
        </details>
      )}
      {place.value.page === 'chat' && <ModelChoice />}
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

function Beside({ row }: { row: PageRow }) {
  const page = useMemo(() => lazy(async () => {
    const [{ Page }] = await Promise.all([row.load(), stylesheet('/pages.css')]);
    return Page;
  }), [row]);
  return (
    <div class="page" tabIndex={0} role="region" aria-label={t(row.title)}>
      <div class="page-column"><page.View /></div>
    </div>
  );
}

export function App() {
  if (phase.value === 'signed-out' || phase.value === 'bad-link') return <SignedOut />;
  const chat = place.value.page === 'chat';
  const row = chat ? undefined : pages.find((page) => page.name === place.value.page);
  const allowed = row && pagesFor(me.value?.role).includes(row);
  return (
    <div class="app">
      <Sidebar />
      {sidebarOpen.value && <div class="scrim" onClick={() => (sidebarOpen.value = false)} />}
      <main class="main" inert={sidebarOpen.value}>
        <Header row={row} />
        {chat ? <Transcript /> : row && (allowed || !me.value) ? <Beside key={row.name} row={row} />
          : <p class="loading">{t('nothingHere')}</p>}
        <Problem />
        {chat && <Composer />}
        <Status />
      </main>
      {helpOpen.value && <Help />}
      {paletteOpen.value && <palette.View />}
      <Undo />
    </div>
  );
}
