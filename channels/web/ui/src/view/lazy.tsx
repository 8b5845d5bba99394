// A part of the page that is loaded when it is first drawn.
import { h, type FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../settings';

export interface Lazy<P> {
  View: FunctionComponent<P>;
  load: () => Promise<void>; // ahead of time
}

export function lazy<P extends object>(load: () => Promise<FunctionComponent<P>>): Lazy<P> {
  let found: FunctionComponent<P> | null = null;
  let under: Promise<void> | null = null;
  const fetch = (): Promise<void> => {
    under ??= load().then((view) => {
      found = view;
    }, (error: unknown) => {
      under = null; // to be tried again
      throw error;
    });
    return under;
  };
  const View: FunctionComponent<P> = (props) => {
    const [, setState] = useState<'' | 'there' | 'failed'>(found ? 'there' : '');
    const [failed, setFailed] = useState(false);
    const begin = (): void => {
      setFailed(false);
      fetch().then(() => setState('there'), () => setFailed(true));
    };
    useEffect(() => {
      // It may have come between the drawing and now: nothing else would draw again.
      if (found) setState('there');
      else begin();
    }, []);
    if (found) return h(found as FunctionComponent<object>, props as object);
    if (!failed) return <p class="loading" role="status">{t('loading')}</p>;
    return (
      <div class="loading">
        <p>{t('loadFailed')}</p>
        <button type="button" onClick={begin}>{t('retry')}</button>
      </div>
    );
  };
  return { View, load: fetch };
}

// A stylesheet of the daemon's, once.
const sheets = new Map<string, Promise<void>>();
export function stylesheet(path: string): Promise<void> {
  let loading = sheets.get(path);
  if (!loading) {
    loading = new Promise<void>((resolve, reject) => {
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = path;
      link.onload = () => resolve();
      link.onerror = () => {
        sheets.delete(path);
        link.remove();
        reject(new Error(path));
      };
      document.head.append(link);
    });
    sheets.set(path, loading);
  }
  return loading;
}
