import { useEffect, useRef, useState } from 'preact/hooks';
import { asking } from '../approvals';
import type { SessionInfo } from '../protocol';
import { language, setLanguage, setTheme, t, theme, type Theme } from '../settings';
import {
  current, isRunning, link, loadSessions, me, moreSessions, newChat, remove, rename, place, select, sessions, sessionsLoaded, showSkills, signOut,
} from '../store';
import { helpOpen, sidebarOpen } from './ui';
import { Icon } from './icons';

const TITLE_MAX = 200;

function RenameForm({ info, done }: { info: SessionInfo; done: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  const save = (): void => {
    const title = input.current?.value.trim() ?? '';
    done();
    if (title && title !== info.title) void rename(info.id, title);
  };
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <input ref={input} defaultValue={info.title} maxLength={TITLE_MAX} aria-label={t('renameLabel')}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          event.currentTarget.value = info.title;
          done();
        }} />
    </form>
  );
}

function RemoveDialog({ info, done }: { info: SessionInfo; done: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="card" onClose={done} aria-labelledby="remove-title">
      <h2 id="remove-title">{t('removeTitle')}</h2>
      <p>{t('removeText', { title: info.title || t('untitled') })}</p>
      <div class="row end">
        <button type="button" onClick={() => dialog.current?.close()}>{t('cancel')}</button>
        <button type="button" class="danger" onClick={() => {
          dialog.current?.close();
          void remove(info.id);
        }}>{t('remove')}</button>
      </div>
    </dialog>
  );
}

function SessionRow({ info }: { info: SessionInfo }) {
  const [mode, setMode] = useState<'' | 'rename' | 'remove'>('');
  const title = info.title || t('untitled');
  const active = place.value === 'chat' && info.id === current.value;
  if (mode === 'rename') {
    return <li class="session active"><RenameForm info={info} done={() => setMode('')} /></li>;
  }
  return (
    <li class={`session ${active ? 'active' : ''}`}>
      <button type="button" class="session-name" aria-current={active ? 'page' : undefined} title={title}
        onClick={() => {
          sidebarOpen.value = false;
          select(info.id);
        }}>
        {asking.value.has(info.id)
          ? <span class="asks" aria-label={t('approvalAsks')} role="img"><Icon name="hand" /></span>
          : isRunning(info) && <span class="pulse" aria-label={t('answering')} role="img" />}
        <span>{title}</span>
      </button>
      <span class="session-tools">
        <button type="button" class="quiet" aria-label={`${t('rename')}: ${title}`} title={t('rename')}
          onClick={() => setMode('rename')}><Icon name="pencil" /></button>
        <button type="button" class="quiet" aria-label={`${t('remove')}: ${title}`} title={t('remove')}
          onClick={() => setMode('remove')}><Icon name="trash" /></button>
      </span>
      {mode === 'remove' && <RemoveDialog info={info} done={() => setMode('')} />}
    </li>
  );
}

function Preferences() {
  return (
    <div class="preferences">
      <label>
        <span class="offscreen">{t('theme')}</span>
        <select value={theme.value} title={t('theme')}
          onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          <option value="auto">{t('themeAuto')}</option>
          <option value="light">{t('themeLight')}</option>
          <option value="dark">{t('themeDark')}</option>
        </select>
      </label>
      <label>
        <span class="offscreen">{t('language')}</span>
        <select value={language.value} title={t('language')}
          onChange={(event) => setLanguage(event.currentTarget.value === 'ru' ? 'ru' : 'en')}>
          <option value="en">English</option>
          <option value="ru">Русский</option>
        </select>
      </label>
      <button type="button" class="quiet" aria-label={t('shortcuts')} title={t('shortcuts')}
        onClick={() => (helpOpen.value = true)}><Icon name="keyboard" /></button>
      <button type="button" class="quiet" aria-label={t('signOut')} title={t('signOut')}
        onClick={() => void signOut()}><Icon name="leave" /></button>
    </div>
  );
}

export function Sidebar() {
  const frame = useRef<HTMLElement>(null);
  const opened = sidebarOpen.value;
  useEffect(() => {
    if (!opened) return;
    frame.current?.querySelector('button')?.focus();
    return () => document.getElementById('menu')?.focus();
  }, [opened]);
  return (
    <aside ref={frame} class={`sidebar ${sidebarOpen.value ? 'open' : ''}`} id="sidebar" aria-label={t('sessions')}>
      <div class="brand">
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>{t('appName')}</span>
        <button type="button" class="quiet only-narrow" aria-label={t('closeMenu')}
          onClick={() => (sidebarOpen.value = false)}><Icon name="close" /></button>
      </div>
      <button type="button" class="new-chat" onClick={() => {
        sidebarOpen.value = false;
        newChat();
        document.getElementById('composer')?.focus();
      }}><Icon name="plus" />{t('newChat')}</button>
      {me.value?.role === 'owner' && (
        <button type="button" class={`to-skills ${place.value === 'skills' ? 'active' : ''}`}
          aria-current={place.value === 'skills' ? 'page' : undefined} onClick={() => {
            sidebarOpen.value = false;
            showSkills();
          }}><Icon name="skills" />{t('skills')}</button>
      )}
      <nav aria-label={t('sessions')}>
        <ul class="sessions">
          {sessions.value.map((info) => <SessionRow key={info.id} info={info} />)}
        </ul>
        {moreSessions.value && (
          <button type="button" class="text older" onClick={() => void loadSessions()}>{t('moreSessions')}</button>
        )}
        {sessionsLoaded.value && !sessions.value.length && <p class="empty">{t('noSessions')}</p>}
      </nav>
      <div class="sidebar-foot">
        <p class="who">
          <span class={`link-dot ${link.value}`} aria-hidden="true" />
          <span>{me.value?.name ?? ''}</span>
          <span class="link-state">{t(link.value === 'signed-out' ? 'offline' : link.value)}</span>
        </p>
        <Preferences />
      </div>
    </aside>
  );
}
