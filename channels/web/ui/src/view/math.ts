// Formulas as MathML, which browsers draw themselves: a part of its own, loaded for the first one.
import temml from 'temml';

// What a formula may ask for: no links or addresses, and bounded expansion of its macros.
const OPTIONS = { trust: false, strict: false, throwOnError: true, maxExpand: 500, maxSize: [20, 20] as [number, number] };

// Put the formula into `element`; false: it is none that is understood.
export function formula(element: HTMLElement, text: string, display: boolean): boolean {
  try {
    temml.render(text, element, { ...OPTIONS, displayMode: display });
    return true;
  } catch {
    return false;
  }
}
