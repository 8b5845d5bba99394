// Conversations, or the pages beside them, and what a person prefers.
import { useEffect, useRef, useState } from 'preact/hooks';
import { asking } from '../approvals';
import type { SessionInfo } from '../protocol';
import { language, setLanguage, setTheme, settings, t, theme, type Theme } from '../settings';
import {
  current, isRunning, link, loadSessions, me, moreSessions, newChat, select, sessions, sessionsLoaded, signOut,
} from '../store';
import { pagesFor, type PageRow } from '../pages';
import { format, place } from '../router';
import { deleted, pin, remove, rename } from '../sessions';
import { helpOpen, paletteOpen, sidebarOpen } from './ui';
import { Icon } from './icons';

const TITLE_MAX = 200;
const DAY_MS = 24 * 3600 * 1000;

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

function SessionRow({ info }: { info: SessionInfo }) {
  const [renaming, setRenaming] = useState(false);
  const title = info.title || t('untitled');
  const active = place.value.page === 'chat' && info.id === current.value;
  if (renaming) {
    return <li class="session active"><RenameForm info={info} done={() => setRenaming(false)} /></li>;
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
        {info.channel !== 'web' && <span class="badge channel">{info.channel}</span>}
      </button>
      <span class="session-tools">
        <button type="button" class={`quiet ${info.pinned ? 'is-on' : ''}`} aria-pressed={Boolean(info.pinned)}
          aria-label={`${t('pin')}: ${title}`} title={t(info.pinned ? 'unpin' : 'pin')}
          onClick={() => void pin(info.id, !info.pinned)}><Icon name="pin" /></button>
        <button type="button" class="quiet" aria-label={`${t('rename')}: ${title}`} title={t('rename')}
          onClick={() => setRenaming(true)}><Icon name="pencil" /></button>
        <button type="button" class="quiet" aria-label={`${t('remove')}: ${title}`} title={t('remove')} disabled={isRunning(info)}
          onClick={() => remove(info.id, title)}><Icon name="trash" /></button>
      </span>
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
          onChange={(event) => void setLanguage(event.currentTarget.value === 'ru' ? 'ru' : 'en')}>
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

// How long ago, in as many words as a list needs.
function ageOf(info: SessionInfo): 'today' | 'yesterday' | 'thisWeek' | 'earlier' {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const at = Date.parse(info.updated_at);
  if (at >= midnight) return 'today';
  if (at >= midnight - DAY_MS) return 'yesterday';
  return at >= midnight - 6 * DAY_MS ? 'thisWeek' : 'earlier';
}

function Sessions() {
  const groups = new Map<string, SessionInfo[]>();
  for (const info of [...sessions.value].sort((a, b) => Number(b.pinned ?? 0) - Number(a.pinned ?? 0))) {
    if (info.id === deleted.value?.id) continue;
    const age = info.pinned ? 'pinned' : ageOf(info);
    groups.set(age, [...(groups.get(age) ?? []), info]);
  }
  return (
    <>
      <div class="row first-row">
        <button type="button" class="new-chat" onClick={() => {
          sidebarOpen.value = false;
          newChat();
          document.getElementById('composer')?.focus();
        }}><Icon name="plus" />{t('newChat')}</button>
        <button type="button" class="to-search" aria-label={t('search')} title={`${t('search')} (Ctrl K)`} onClick={() => {
          sidebarOpen.value = false;
          paletteOpen.value = true;
        }}><Icon name="search" /></button>
      </div>
      <nav aria-label={t('sessions')}>
        {[...groups].map(([age, infos]) => (
          <section key={age} aria-labelledby={`age-${age}`}>
            <h2 id={`age-${age}`} class="nav-title">{t(age as 'today')}</h2>
            <ul class="sessions">{infos.map((info) => <SessionRow key={info.id} info={info} />)}</ul>
          </section>
        ))}
        {moreSessions.value && (
          <button type="button" class="text older" onClick={() => void loadSessions()}>{t('moreSessions')}</button>
        )}
        {sessionsLoaded.value && !sessions.value.length && <p class="empty">{t('noSessions')}</p>}
      </nav>
    </>
  );
}

// Until it is known who looks, what was known of them: an entry that came later would push others away.
const mine = (): readonly PageRow[] => pagesFor(me.value?.role ?? settings.get('nexflow.role') ?? undefined);

function Pages() {
  return (
    <nav aria-label={t('manage')}>
      <ul class="pages">
        {mine().map((page) => (
          <li key={page.name}>
            <a href={format(page.name)} aria-current={place.value.page === page.name ? 'page' : undefined}
              onClick={() => (sidebarOpen.value = false)}><Icon name={page.icon} />{t(page.title)}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

// Where the conversations go on from: the one that was shown last.
function Segments({ chat }: { chat: boolean }) {
  const [first] = mine();
  if (!first) return null;
  const back = current.value.startsWith('new:') ? '' : current.value;
  return (
    <div class="segments" role="group" aria-label={t('sections')}>
      <a href={format('chat', back)} aria-current={chat ? 'true' : undefined}><Icon name="chat" />{t('chats')}</a>
      <a href={format(first.name)} aria-current={chat ? undefined : 'true'}><Icon name="manage" />{t('manage')}</a>
    </div>
  );
}

export function Sidebar() {
  const frame = useRef<HTMLElement>(null);
  const opened = sidebarOpen.value;
  const chat = place.value.page === 'chat';
  useEffect(() => {
    if (!opened) return;
    frame.current?.querySelector('button')?.focus();
    return () => document.getElementById('menu')?.focus();
  }, [opened]);
  return (
    <aside ref={frame} class={`sidebar ${opened ? 'open' : ''}`} id="sidebar" aria-label={t('sidebar')}>
      <div class="brand">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        <span>{t('appName')}</span>
        <button type="button" class="quiet only-narrow" aria-label={t('closeMenu')}
          onClick={() => (sidebarOpen.value = false)}><Icon name="close" /></button>
      </div>
      <Segments chat={chat} />
      {chat ? <Sessions /> : <Pages />}
      <div class="sidebar-foot">
        <p class="who">
          <span class={`link-dot ${link.value}`} aria-hidden="true" />
          <span class="who-name">{me.value?.name ?? ''}</span>
          <span class="link-state">{t(link.value === 'signed-out' ? 'offline' : link.value)}</span>
        </p>
        <Preferences />
      </div>
    </aside>
  );
}
