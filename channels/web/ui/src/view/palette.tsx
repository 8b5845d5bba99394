// Search over everything: pages, conversations by name, and all that was said.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api';
import { pagesFor } from '../pages';
import type { Hit } from '../protocol';
import { go } from '../router';
import { locale, t } from '../settings';
import { unmarked } from '../snippet';
import { explain, me, select, sessions } from '../store';
import { Icon, type IconName } from './icons';
import { paletteOpen } from './ui';

const PAUSE_MS = 150; // after a key, before the daemon is asked
const AGAIN_MS = 400; // while it takes in older messages
const NAMES_MAX = 6;

interface Row {
  id: string;
  icon: IconName;
  title: string;
  detail?: preact.ComponentChildren;
  open: () => void;
}

// What was found stands between two marks.
function Snippet({ text }: { text: string }) {
  return <>{text.split(/(\u0002[^\u0003]*\u0003)/).map((part, i) => (part.startsWith('\u0002') ? <mark key={i}>{part.slice(1, -1)}</mark> : part))}</>;
}

interface Found {
  words: string; // which it was found for
  hits: Hit[];
  next: string | null;
  complete: boolean;
  error?: string;
}

function useHits(words: string): [Found | null, (cursor: string) => void] {
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    setFound(null);
    if (!words.trim()) return;
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const ask = async (): Promise<void> => {
      try {
        const { hits, next_cursor, complete } = await api.search(words);
        if (gone) return;
        setFound({ words, hits, next: next_cursor, complete });
        if (!complete) timer = setTimeout(() => void ask(), AGAIN_MS);
      } catch (error) {
        if (!gone) setFound({ words, hits: [], next: null, complete: true, error: explain(error) });
      }
    };
    timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [words]);
  const more = (cursor: string): void => {
    // What is shown by then may be another search, or have this page already.
    const change = (next: (old: Found) => Found): void => setFound((old) => (old?.words === words && old.next === cursor ? next(old) : old));
    void api.search(words, cursor).then(
      ({ hits, next_cursor, complete }) => change((old) => ({ words, hits: [...old.hits, ...hits], next: next_cursor, complete })),
      (error: unknown) => change((old) => ({ ...old, error: explain(error) })));
  };
  return [found, more];
}

const when = (at: string): string => new Date(at).toLocaleDateString(locale.value, { day: 'numeric', month: 'short', year: 'numeric' });

function rowsOf(words: string, found: Found | null): [string, Row[]][] {
  const wanted = words.trim().toLowerCase();
  const named = (title: string): boolean => title.toLowerCase().includes(wanted);
  const pages = wanted ? pagesFor(me.value?.role).filter((p) => named(t(p.title))) : [];
  const chats = sessions.value.filter((s) => named(s.title || t('untitled'))).slice(0, NAMES_MAX);
  return [
    [t('searchPages'), pages.map((p) => ({ id: `p${p.name}`, icon: p.icon, title: t(p.title), open: () => go(p.name) }))],
    [t('searchChats'), chats.map((s) => ({ id: `s${s.id}`, icon: 'chat', title: s.title || t('untitled'), open: () => select(s.id) }))],
    [t('searchMessages'), (found?.hits ?? []).map((h) => ({
      id: `m${h.session_id}-${h.seq}`, icon: 'search', title: `${h.title || t('untitled')}, ${when(h.at)}`, detail: <Snippet text={unmarked(h.snippet)} />,
      open: () => select(h.session_id, h.seq),
    }))],
  ];
}

export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const [found, more] = useHits(words);
  // Before the next key: who types on at once means the search.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => setAt(0), [words]);
  const sections = rowsOf(words, found).filter(([, rows]) => rows.length);
  const all = sections.flatMap(([, rows]) => rows);
  // At once, as the event comes later and would close the next one.
  const close = (): void => {
    dialog.current?.close();
    paletteOpen.value = false;
  };
  const open = (row: Row | undefined): void => {
    if (!row) return;
    close();
    row.open();
  };
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }), [at]);
  return (
    <dialog ref={dialog} class="palette" aria-label={t('search')} onClose={() => dialog.current && (paletteOpen.value = false)}
      onClick={(event) => event.target === dialog.current && close()}>
      <div class="palette-box">
        <label class="palette-field">
          <Icon name="search" />
          <span class="offscreen">{t('search')}</span>
          <input type="text" role="combobox" aria-expanded="true" aria-controls="found" placeholder={t('searchHint')} value={words} maxLength={120}
            aria-activedescendant={all[at] ? `row-${all[at].id}` : undefined} autofocus
            onInput={(event) => setWords(event.currentTarget.value)}
            onKeyDown={(event) => {
              const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
              if (step) {
                event.preventDefault();
                setAt((now) => Math.max(0, Math.min(all.length - 1, now + step)));
              } else if (event.key === 'Enter') {
                event.preventDefault();
                open(all[at]);
              }
            }} />
        </label>
        <div id="found" class="palette-list" role="listbox" aria-label={t('search')} ref={list}>
          {sections.map(([title, rows]) => (
            <div role="group" aria-label={title} key={title}>
              <p class="nav-title" aria-hidden="true">{title}</p>
              {rows.map((row) => (
                <div key={row.id} id={`row-${row.id}`} role="option" aria-selected={all[at] === row} class="palette-row"
                  onMouseMove={() => setAt(all.indexOf(row))} onClick={() => open(row)}>
                  <Icon name={row.icon} />
                  <span><span class="palette-title">{row.title}</span>{row.detail && <span class="palette-detail">{row.detail}</span>}</span>
                </div>
              ))}
            </div>
          ))}
        </div>
        <p class="palette-foot" role="status">
          {found?.error ?? (words.trim() && found && !all.length ? t('searchNothing') : found && !found.complete ? t('searchIndexing') : '')}
          {found?.next && <button type="button" class="text" onClick={() => more(found.next ?? '')}>{t('searchMore')}</button>}
        </p>
      </div>
    </dialog>
  );
}
