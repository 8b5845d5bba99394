// The conversation, which stays at its end while somebody looks at its end.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asked } from '../approvals';
import { t } from '../settings';
import {
  conversation, current, isNew, loadOlder, loadingOlder, models, revision, send, sessions, target, unsent,
} from '../store';
import { Setup } from './cards';
import { Icon } from './icons';
import { lazy } from './lazy';

const NEAR_END_PX = 64;
const NEAR_START_PX = 200;

const thread = lazy(async () => (await import('./thread')).Thread);
export const loadThread = thread.load;

function Welcome() {
  return (
    <div class="welcome">
      <p class="welcome-title">{t('welcome')}</p>
      <ul class="starters" aria-label={t('starters')}>
        {(['starter1', 'starter2', 'starter3'] as const).map((key) => (
          <li key={key}>
            <button type="button" onClick={() => send(t(key))}>{t(key)}</button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Content() {
  void revision.value;
  const chat = conversation();
  if (!isNew.value && !chat?.loaded) return <p class="loading">{t('loading')}</p>;
  const waiting = unsent.value.some((item) => item.chat === current.value);
  const empty = !chat?.turns.length && !waiting && !asked(current.value, sessions.value).length;
  const modelless = models.value?.models.length === 0;
  return (
    <>
      {modelless && <Setup />}
      {empty ? !modelless && <Welcome /> : <thread.View />}
    </>
  );
}

export function Transcript() {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const seen = useRef({ top: 0, height: 0 });
  const [away, setAway] = useState(false);

  const toEnd = (): void => {
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
    atEnd.current = true;
    setAway(false);
  };
  // Who scrolls up leaves the end; a text that grows faster than it is followed does not.
  const onScroll = (): void => {
    const box = scroller.current;
    if (!box) return;
    const { scrollTop: top, scrollHeight: height } = box;
    const near = height - top - box.clientHeight < NEAR_END_PX;
    if (near) atEnd.current = true;
    else if (top < seen.current.top - 1 && height >= seen.current.height) atEnd.current = false;
    seen.current = { top, height };
    setAway(!near && !atEnd.current);
    if (box.scrollTop < NEAR_START_PX && box.scrollHeight > box.clientHeight) void keepPlace(box);
  };
  // What comes in above pushes nothing away from under the reader.
  const keepPlace = async (box: HTMLElement): Promise<void> => {
    if (!conversation()?.older || loadingOlder.value) return;
    const fromEnd = box.scrollHeight - box.scrollTop;
    await loadOlder();
    requestAnimationFrame(() => {
      box.scrollTop = box.scrollHeight - fromEnd;
    });
  };

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    if (content.current) observer.observe(content.current);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  const wanted = target.value;
  useLayoutEffect(() => {
    if (!wanted) return;
    let tries = 30; // frames: what draws it may still be on its way
    const look = (): void => {
      const element = content.current?.querySelector(`[data-run="${CSS.escape(wanted.runId)}"]`);
      if (!element && tries-- > 0) return void requestAnimationFrame(look);
      atEnd.current = false;
      element?.scrollIntoView({ block: 'start' });
      element?.querySelector<HTMLElement>('.message')?.focus({ preventScroll: true });
      target.value = null;
    };
    look();
  }, [wanted]);
  // Another conversation, or something just sent: show the end of it.
  const mine = unsent.value.length;
  useLayoutEffect(() => {
    atEnd.current = true;
    setAway(false);
    if (!isNew.value || mine) toEnd();
  }, [current.value, mine]);

  return (
    <div class="transcript-frame">
      <div class="transcript" ref={scroller} onScroll={onScroll} tabIndex={0} role="log" aria-live="off"
        aria-label={t('transcript')}>
        <div class="column" ref={content}>
          <Content />
        </div>
      </div>
      {away && (
        <button type="button" class="to-end" aria-label={t('toBottom')} title={t('toBottom')} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
